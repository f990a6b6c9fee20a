"""Messages of channels and calls: their form, timeouts and lost connections."""

from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

import pytest
from lmstudio import (
    LMStudioClientError,
    LMStudioModelNotFoundError,
    LMStudioServerError,
    LMStudioTimeoutError,
    LMStudioWebsocketError,
    get_sync_api_timeout,
)
from lmstudio.history import _LocalFileData
from lmstudio.json_api import ChannelHandler, CompletionEndpoint, RemoteCallHandler
from lmstudio.sync_api import SyncChannel, SyncRemoteCall
from sdk_tests.expected_items import next_item, receiver
from sdk_tests.host_packets import channel_closed, channel_failed, fragment, on_channel, predicted
from sdk_tests.sdk_releases import since
from sdk_tests.structured_log import logged_events

pytestmark = since("1.5.0")

NOT_FOUND = {
    "title": "No such model",
    "displayData": {"code": "generic.noModelMatchingQuery"},
}


def handler() -> ChannelHandler[CompletionEndpoint]:
    """Return the handler of channel 5."""
    return ChannelHandler(5, CompletionEndpoint("model", "prompt"), {"ws_url": "ws://here"})


def channel(*messages: Any, timeout: Any = ...) -> SyncChannel[Any]:
    """Return channel 5 of the sync API, which receives the messages or raises the exceptions."""
    received = iter(messages)

    def get_message(_timeout: float | None) -> Any:
        message = next_item(received, "another message (the channel waits after its last)")
        if isinstance(message, Exception):
            raise message
        return message

    endpoint = CompletionEndpoint("model", "prompt")
    return SyncChannel(5, get_message, endpoint, print, {}, timeout)


def remote_call(message: Any) -> SyncRemoteCall:
    """Return call 6 of the sync API, which receives the message or raises the exception."""

    def get_message(_timeout: float | None) -> Any:
        if isinstance(message, Exception):
            raise message
        return message

    return SyncRemoteCall(6, get_message, {})


def test_channel_creation_message() -> None:
    """The message that creates a channel has its id, endpoint and creation parameters."""
    channel = handler()
    assert channel.get_creation_message() == {
        "type": "channelCreate",
        "channelId": 5,
        "endpoint": "predict",
        "creationParameter": channel.endpoint.creation_params,
    }


def test_channel_messages_are_wrapped() -> None:
    """Each message on a channel, including a cancellation, has the channel's id."""
    assert handler().wrap_message({"type": "x"}) == {
        "type": "channelSend",
        "channelId": 5,
        "message": {"type": "x"},
    }
    assert handler().get_cancel_message() == {
        "type": "channelSend",
        "channelId": 5,
        "message": {"type": "cancel"},
    }


def test_channel_unwraps_packets() -> None:
    """A channel unwraps the packet of a message, and returns None for a close."""
    assert handler().handle_rx_message(on_channel(5, {"type": "x"})) == {"type": "x"}
    assert handler().handle_rx_message(channel_closed(5)) is None


def test_channel_error_is_raised_with_prefix_and_class() -> None:
    """A channel error is raised as the class for its code, and its text names the endpoint."""
    with pytest.raises(LMStudioModelNotFoundError, match=r"^Completion error: \n\n  No such model"):
        handler().handle_rx_message(channel_failed(5, NOT_FOUND))


@pytest.mark.parametrize(
    "message",
    [
        on_channel(4, {"type": "x"}),
        channel_closed(4),
        {"type": "channelAck", "channelId": 5, "ackId": 1},
        {"type": "channelSend", "channelId": 5, "message": "text"},
    ],
    ids=["other-id", "other-close", "ack", "no-packet"],
)
def test_unexpected_channel_message_is_an_error(message: dict[str, Any]) -> None:
    """A message for another channel or of an unknown form raises an error with its contents."""
    with pytest.raises(LMStudioClientError) as failure:
        handler().handle_rx_message(message)
    assert str(failure.value) == f"Completion unexpected message: {message}"


def test_rpc_message() -> None:
    """A call is sent with its id, its endpoint and, if there is one, its parameter."""
    call = RemoteCallHandler(6, {})
    params = _LocalFileData(b"x", "name")._as_fetch_param()
    assert call.get_rpc_message("upload", params) == {
        "type": "rpcCall",
        "callId": 6,
        "endpoint": "upload",
        "parameter": {"name": "name", "contentBase64": "eA=="},
    }
    assert call.get_rpc_message("listLoaded", None) == {
        "type": "rpcCall",
        "callId": 6,
        "endpoint": "listLoaded",
    }


@pytest.mark.parametrize("result", [{"a": [1]}, [], 0, False, None], ids=repr)
def test_rpc_result(result: Any) -> None:
    """A call returns its result unchanged."""
    message = {"type": "rpcResult", "callId": 6, "result": result}
    assert remote_call(message).receive_result() == result


def test_void_rpc_result() -> None:
    """A call whose answer has no result returns None."""
    assert remote_call({"type": "rpcResult", "callId": 6}).receive_result() is None


def test_rpc_error_is_raised_with_class() -> None:
    """A call's error is raised as the class for its code."""
    with pytest.raises(LMStudioModelNotFoundError, match=r"^RPC error: \n\n  No such model"):
        remote_call({"type": "rpcError", "callId": 6, "error": NOT_FOUND}).receive_result()


def test_rpc_error_prefix_can_be_set() -> None:
    """A call's error begins with the prefix that the caller chose."""
    call = RemoteCallHandler(6, {}, "Prompt preprocessing")
    with pytest.raises(LMStudioServerError, match=r"^Prompt preprocessing error: Bad$"):
        call.handle_rx_message({"type": "rpcError", "callId": 6, "error": {"title": "Bad"}})


def test_answer_to_another_call_is_an_error() -> None:
    """An answer with the id of another call raises an error with its contents."""
    with pytest.raises(
        LMStudioClientError, match=r"^RPC unexpected message: {'type': 'rpcResult', 'callId': 7}$"
    ):
        remote_call({"type": "rpcResult", "callId": 7}).receive_result()


def test_rpc_answers_are_logged_without_their_contents(caplog: pytest.LogCaptureFixture) -> None:
    """The debug log blanks out objects and lists inside an answer."""
    caplog.set_level("DEBUG", "RemoteCallHandler")
    remote_call({"type": "rpcResult", "callId": 6, "result": {"private": "data"}}).receive_result()
    remote_call({"type": "rpcResult", "callId": 6, "result": ["private"]}).receive_result()
    assert [event["json"]["result"] for _, event in logged_events(caplog, "RemoteCallHandler")] == [
        {"...": "..."},
        ["..."],
    ]


def test_channel_streams_to_its_result() -> None:
    """A channel passes packets to its endpoint until the endpoint has its result."""
    stream = channel(on_channel(5, fragment("Yes")), on_channel(5, predicted()))
    assert stream.wait_for_result().content == "Yes"


def test_closed_channel_ends_the_stream() -> None:
    """A close ends the stream of packets, and a closed channel sends no cancellation."""
    sent: list[Any] = []
    receive = receiver([on_channel(5, {"type": "x"}), channel_closed(5)])
    endpoint = CompletionEndpoint("model", "prompt")
    stream = SyncChannel(5, receive, endpoint, sent.append, {})
    stream.send_message({"type": "y"})
    assert list(stream.rx_stream()) == [{"type": "x"}]
    stream.cancel()
    assert sent == [{"type": "channelSend", "channelId": 5, "message": {"type": "y"}}]


def test_silence_is_a_timeout_error() -> None:
    """A timeout raises the SDK's own timeout error, which is also a TimeoutError."""
    with pytest.raises(LMStudioTimeoutError) as failure:
        list(channel(FutureTimeout()).rx_stream())
    assert isinstance(failure.value, TimeoutError)
    with pytest.raises(LMStudioTimeoutError):
        remote_call(FutureTimeout()).receive_result()


def test_lost_connection_is_a_websocket_error() -> None:
    """A lost connection raises an error in each waiting channel and call."""
    with pytest.raises(LMStudioWebsocketError, match=r"^Client unexpectedly disconnected\.$"):
        list(channel(None).rx_stream())
    with pytest.raises(LMStudioWebsocketError, match=r"^Client unexpectedly disconnected\.$"):
        remote_call(None).receive_result()


def test_channels_wait_as_long_as_told() -> None:
    """A channel has its own timeout, even None, or else the API's default."""
    assert channel(timeout=2.5).timeout == 2.5
    assert channel(timeout=None).timeout is None
    assert channel().timeout == get_sync_api_timeout()
