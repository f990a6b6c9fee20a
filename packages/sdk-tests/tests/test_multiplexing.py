"""Multiplexing: the ids of channels and calls, and the queues for their messages."""

import asyncio
from typing import Any

import pytest
from lmstudio import LMStudioClientError, LMStudioRuntimeError
from lmstudio._logging import new_logger
from lmstudio.json_api import MultiplexingManager
from sdk_tests.sdk_releases import since
from sdk_tests.structured_log import logged_events

pytestmark = since("1.5.0")

LOGGER = "multiplexing-test"
Queue = asyncio.Queue[Any]


@pytest.fixture
def mux() -> MultiplexingManager:
    """Provide a multiplexing manager without channels and calls."""
    return MultiplexingManager(new_logger(LOGGER))


def test_ids_count_up_separately(mux: MultiplexingManager) -> None:
    """Channels and calls have separate ids, each counted from 1."""
    assert [mux.acquire_channel_id(Queue()) for _ in range(3)] == [1, 2, 3]
    assert [mux.acquire_call_id(Queue()) for _ in range(2)] == [1, 2]


def test_ids_are_not_reused(mux: MultiplexingManager) -> None:
    """A released id is never assigned again."""
    with mux.assign_channel_id(Queue()) as channel_id, mux.assign_call_id(Queue()) as call_id:
        assert (channel_id, call_id) == (1, 1)
    assert mux.acquire_channel_id(Queue()) == 2
    assert mux.acquire_call_id(Queue()) == 2


def test_messages_reach_their_queues(mux: MultiplexingManager) -> None:
    """Channel messages and call answers go to the queue for their id and kind."""
    channels = [Queue(), Queue()]
    calls = [Queue(), Queue()]
    for queue in channels:
        mux.acquire_channel_id(queue)
    for queue in calls:
        mux.acquire_call_id(queue)
    assert mux.map_rx_message({"type": "channelSend", "channelId": 2}) is channels[1]
    assert mux.map_rx_message({"type": "channelClose", "channelId": 1}) is channels[0]
    assert mux.map_rx_message({"type": "rpcResult", "callId": 2}) is calls[1]
    assert mux.map_tx_message({"type": "rpcCall", "callId": 1}) is calls[0]
    assert mux.map_tx_message({"type": "channelSend", "channelId": 2}) is channels[1]


def test_all_queues_are_the_open_ones(mux: MultiplexingManager) -> None:
    """all_queues() yields the queues of all open channels and calls."""
    channel, call = Queue(), Queue()
    with mux.assign_channel_id(channel), mux.assign_call_id(call):
        assert list(mux.all_queues()) == [channel, call]
    assert list(mux.all_queues()) == []


def test_queues_are_released_after_an_error(mux: MultiplexingManager) -> None:
    """An exception while a channel and a call are open releases both queues."""
    with pytest.raises(LookupError), mux.assign_channel_id(Queue()), mux.assign_call_id(Queue()):
        raise LookupError
    assert list(mux.all_queues()) == []


def test_release_with_another_queue_is_an_error(mux: MultiplexingManager) -> None:
    """An id can be released only with the queue to which it was assigned; the error names it."""
    channel_id, call_id = mux.acquire_channel_id(Queue()), mux.acquire_call_id(Queue())
    changed = "Unexpected change to reply queue for"
    with pytest.raises(LMStudioRuntimeError) as failure:
        mux.release_channel_id(channel_id, Queue())
    assert str(failure.value) == f"{changed} channel ({channel_id} in {mux!r})"
    with pytest.raises(LMStudioRuntimeError) as failure:
        mux.release_call_id(call_id, Queue())
    assert str(failure.value) == f"{changed} remote call ({call_id} in {mux!r})"
    assert len(list(mux.all_queues())) == 2


@pytest.mark.parametrize(
    ("message", "warning"),
    [
        (
            {"type": "channelSend", "channelId": 1},
            (
                "Received unhandled message {'type': 'channelSend', 'channelId': 1}"
                " for already closed channel"
            ),
        ),
        (
            {"type": "channelSend", "channelId": 2},
            "Received message {'type': 'channelSend', 'channelId': 2} for not yet used channel",
        ),
        (
            {"type": "channelClose", "channelId": 2},
            "Received message {'type': 'channelClose', 'channelId': 2} for not yet used channel",
        ),
    ],
    ids=["closed", "unused", "unused-close"],
)
def test_channel_message_without_queue_is_logged(
    mux: MultiplexingManager,
    caplog: pytest.LogCaptureFixture,
    message: dict[str, Any],
    warning: str,
) -> None:
    """A message for a closed or unused channel is logged and dropped."""
    with mux.assign_channel_id(Queue()):
        pass
    assert mux.map_rx_message(message) is None
    assert logged_events(caplog, LOGGER) == [
        ("WARNING", {"event": warning, "channel_id": message["channelId"]})
    ]


def test_late_close_is_ignored(mux: MultiplexingManager, caplog: pytest.LogCaptureFixture) -> None:
    """The close of a channel that the client has already left is not logged."""
    with mux.assign_channel_id(Queue()):
        pass
    assert mux.map_rx_message({"type": "channelClose", "channelId": 1}) is None
    assert logged_events(caplog, LOGGER) == []


def test_answer_to_unknown_call_is_logged(
    mux: MultiplexingManager, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer to an unknown call is logged and dropped."""
    assert mux.map_rx_message({"type": "rpcResult", "callId": 9}) is None
    assert logged_events(caplog, LOGGER) == [
        ("WARNING", {"event": "Received response to unknown call", "call_id": 9})
    ]


def test_communication_warning_is_logged_as_error(
    mux: MultiplexingManager, caplog: pytest.LogCaptureFixture
) -> None:
    """A communication warning from the host is logged as an error and dropped."""
    message = {"type": "communicationWarning", "warning": "Unknown endpoint"}
    assert mux.map_rx_message(message) is None
    assert logged_events(caplog, LOGGER) == [
        ("ERROR", {"event": "SDK communication warning", "warning": "Unknown endpoint"})
    ]


def test_message_of_unknown_type_is_an_error(mux: MultiplexingManager) -> None:
    """A message of an unknown type raises an error with its contents."""
    with pytest.raises(
        LMStudioClientError, match=r"^Unexpected message: {'type': 'keepAliveAck'}$"
    ):
        mux.map_rx_message({"type": "keepAliveAck"})


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (
            {"channelId": 1},
            {"event": "Attempted to send message on already closed channel", "channel_id": 1},
        ),
        (
            {"channelId": 2},
            {"event": "Attempted to send message on not yet used channel", "channel_id": 2},
        ),
        (
            {"callId": 3},
            {"event": "Attempted to send remote call with unknown ID", "call_id": 3},
        ),
        (
            {"type": "keepAlive"},
            {"event": "Attempted to send top level message on closed session"},
        ),
    ],
    ids=["closed", "unused", "call", "top-level"],
)
def test_unsendable_message_is_logged(
    mux: MultiplexingManager,
    caplog: pytest.LogCaptureFixture,
    message: dict[str, Any],
    event: dict[str, Any],
) -> None:
    """A message that cannot be sent is logged and dropped."""
    with mux.assign_channel_id(Queue()):
        pass
    assert mux.map_tx_message(message) is None
    assert logged_events(caplog, LOGGER) == [("WARNING", event)]
