"""Prediction results and the states of a prediction stream, without a host."""

import contextlib
from typing import Any

import pytest
from lmstudio import (
    Chat,
    LMStudioCancelledError,
    LMStudioRuntimeError,
    PredictionResult,
    PredictionRoundResult,
    PredictionStream,
)
from lmstudio.json_api import CompletionEndpoint
from lmstudio.sync_api import SyncChannel
from sdk_tests.expected_items import receiver
from sdk_tests.host_packets import channel_closed, fragment, on_channel, predicted
from sdk_tests.sdk_releases import since

ANSWER = [on_channel(1, fragment("Yes")), on_channel(1, predicted()), channel_closed(1)]


def result_of(content: str, response_format: Any = None) -> PredictionResult:
    """Return the result of a completion that was answered with the text."""
    endpoint = CompletionEndpoint("model", "prompt", response_format)
    endpoint.handle_message_events(fragment(content))
    endpoint.handle_message_events(predicted())
    return endpoint.result()


def stream_of(messages: list[Any]) -> tuple[PredictionStream, list[Any]]:
    """Return a stream that receives the messages, and the list of what it sends."""
    endpoint = CompletionEndpoint("model", "prompt")
    outgoing: list[Any] = []
    channel = SyncChannel(1, receiver(messages), endpoint, outgoing.append, {})
    return PredictionStream(contextlib.nullcontext(channel), endpoint), outgoing


def test_text_result() -> None:
    """A text result shows its content in str() and repr() and is not structured."""
    result = result_of("Yes")
    assert str(result) == "Yes"
    assert repr(result) == "PredictionResult(content='Yes')"
    assert result.structured is False


def test_structured_result_text_form() -> None:
    """str() of a structured result is sorted, indented JSON, and the content stays unchanged."""
    result = result_of('{"b": 1, "a": 2}', {"type": "object"})
    assert str(result) == '{\n  "a": 2,\n  "b": 1\n}'
    assert result.content == '{"b": 1, "a": 2}'
    assert result.structured is True


def test_result_is_an_assistant_response() -> None:
    """A result can be added to a chat as an assistant response with its content as text."""
    chat = Chat()
    message = chat.add_assistant_response(result_of('{"a": 1}', {"type": "object"}))
    assert message.to_dict()["content"] == [{"type": "text", "text": '{"a": 1}'}]


@pytest.mark.parametrize("response_format", [None, {"type": "object"}], ids=["text", "structured"])
def test_round_result_keeps_everything(response_format: Any) -> None:
    """A round's result has all fields of the prediction's result and the round's index."""
    result = result_of('{"a": 1}', response_format)
    round_result = PredictionRoundResult.from_result(result, 3)
    assert round_result.round_index == 3
    for name in PredictionResult.__dataclass_fields__:
        assert getattr(round_result, name) == getattr(result, name), name


def test_result_before_start_is_an_error() -> None:
    """Reading the result of a stream before its start raises an error."""
    stream, _ = stream_of([])
    with pytest.raises(
        LMStudioRuntimeError, match=r"^Prediction processing has not been initiated\.$"
    ):
        stream.result()


def test_result_before_end_is_an_error() -> None:
    """A stream before its end has no metadata, and reading its result raises an error."""
    stream, _ = stream_of(ANSWER)
    stream.start()
    with pytest.raises(
        LMStudioRuntimeError, match=r"^Prediction processing has not yet been completed\.$"
    ):
        stream.result()
    assert stream.stats is None
    assert stream.model_info is None


@since("1.5.0")
def test_iteration_yields_fragments_and_leaves_the_result() -> None:
    """Iteration yields the fragments and leaves the result and the metadata."""
    stream, _ = stream_of(ANSWER)
    assert [part.content for part in stream] == ["Yes"]
    result = stream.result()
    assert result.content == "Yes"
    assert stream.stats == result.stats
    assert stream.model_info == result.model_info


@since("1.5.0")
def test_wait_for_result() -> None:
    """wait_for_result() runs a stream from its start to its result."""
    stream, _ = stream_of(ANSWER)
    assert stream.wait_for_result().content == "Yes"


def test_second_start_is_an_error() -> None:
    """Starting a stream twice raises an error."""
    stream, _ = stream_of(ANSWER)
    stream.start()
    with pytest.raises(LMStudioRuntimeError, match=r"^Prediction request has already been sent\.$"):
        stream.start()


@since("1.5.0")
def test_start_after_end_is_an_error() -> None:
    """Starting a stream that has its result raises an error."""
    stream, _ = stream_of(ANSWER)
    stream.wait_for_result()
    with pytest.raises(
        LMStudioRuntimeError, match=r"^Prediction result has already been received\.$"
    ):
        stream.start()


def test_closing_early_is_reported_as_cancelled() -> None:
    """The result of a stream that was closed before its end is a cancellation error."""
    stream, _ = stream_of(ANSWER)
    stream.start()
    stream.close()
    with pytest.raises(
        LMStudioCancelledError,
        match=r"^Prediction cancelled unexpectedly: please use \.cancel\(\)$",
    ):
        stream.result()


def test_error_in_the_block_is_the_result() -> None:
    """result() raises the exception that ended the stream's block."""
    stream, _ = stream_of(ANSWER)
    with pytest.raises(LookupError, match="mine"), stream:
        raise LookupError("mine")
    with pytest.raises(LookupError, match="mine"):
        stream.result()


@since("1.5.0")
def test_cancel_sends_one_message_and_drops_later_text() -> None:
    """cancel() sends one message to the host, and later text does not reach the caller."""
    stream, outgoing = stream_of([on_channel(1, fragment("Well")), *ANSWER])
    texts: list[str] = []
    for part in stream:
        texts.append(part.content)
        stream.cancel()
    assert texts == ["Well"]
    assert stream.result().content == "Well"
    assert outgoing == [{"type": "channelSend", "channelId": 1, "message": {"type": "cancel"}}]


@since("1.5.0")
def test_cancel_outside_of_a_prediction_does_nothing() -> None:
    """cancel() sends nothing before a stream's start and after its end."""
    stream, outgoing = stream_of(ANSWER)
    stream.cancel()
    stream.wait_for_result()
    stream.cancel()
    assert outgoing == []
