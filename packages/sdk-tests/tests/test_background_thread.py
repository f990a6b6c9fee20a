"""The background thread of a synchronous client, which ends with its client."""

import gc
import weakref

import lmstudio
import pytest
from lmstudio._ws_thread import AsyncWebsocketThread, BackgroundThread
from sdk_tests.foreign_hosts import closed_address
from sdk_tests.sdk_releases import known_bug, since

pytestmark = [pytest.mark.usefixtures("no_api_token"), since("1.5.0")]


def test_thread_runs_coroutines() -> None:
    """A started thread runs a coroutine and returns its result."""

    async def double(value: int) -> int:
        return 2 * value

    thread = AsyncWebsocketThread()
    thread.start()
    assert thread.run_background_coroutine(double(21)) == 42
    assert thread.terminate() is True
    thread.join()


def test_thread_is_a_daemon() -> None:
    """The thread is a daemon, so that it does not keep a program from ending."""
    assert BackgroundThread().daemon is True


def test_termination_is_requested_once() -> None:
    """terminate() does nothing for a thread that has ended or was never started."""
    thread = AsyncWebsocketThread()
    assert thread.terminate() is False
    thread.start()
    assert thread.terminate() is True
    thread.join()
    assert thread.terminate() is False


def test_ended_thread_runs_nothing() -> None:
    """A thread that has ended refuses a coroutine instead of waiting for it for ever."""

    async def nothing() -> None:
        pass

    thread = AsyncWebsocketThread()
    thread.start()
    thread.terminate()
    thread.join()
    coroutine = nothing()
    with pytest.raises(RuntimeError, match=r"is currently inactive\.$"):
        thread.run_background_coroutine(coroutine)
    coroutine.close()


def test_closed_client_ends_its_thread() -> None:
    """close() ends the client's thread, and a second close() does nothing."""
    client = lmstudio.Client(closed_address())
    thread = client._ws_thread
    assert thread.is_alive()
    client.close()
    thread.join(timeout=10)
    assert not thread.is_alive()
    client.close()


def test_forgotten_client_ends_its_thread() -> None:
    """A client without references ends its thread when it is collected."""
    client = lmstudio.Client(closed_address())
    thread = client._ws_thread
    del client
    gc.collect()
    thread.join(timeout=10)
    assert not thread.is_alive()


@known_bug(
    "The sync client is meant to clean up when it is garbage collected, but its finalizer holds"
    " the exit stack, the stack holds each session in use, and each session holds the client: a"
    " client that was used and not closed keeps its thread and connections until the program"
    " ends."
)
def test_forgotten_client_with_a_session_is_collected() -> None:
    """A client that has opened a session must be collectable like one that has not."""
    client = lmstudio.Client(closed_address())
    _ = client.llm
    reference = weakref.ref(client)
    del client
    gc.collect()
    leaked = reference()
    if leaked is not None:
        leaked.close()
    assert leaked is None
