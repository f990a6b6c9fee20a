"""The thread of a blocking client that nobody has closed, or that was interrupted at its start."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress

from lmstudio._ws_thread import AsyncWebsocketThread


def let_finalizer_not_wait(
    resources: ExitStack, thread: AsyncWebsocketThread, forget_sessions: Callable[[], None]
) -> None:
    """Replace what the SDK has put into a new client's `resources`, which its finalizer closes.

    The SDK asks the thread to end and waits for the answer. The garbage collector runs finalizers
    wherever it likes: on the very thread that would have to answer, which then waits for itself,
    or under a lock that this thread needs. So the thread is asked without waiting.
    """
    resources.pop_all()
    resources.callback(ask_to_end, thread)
    resources.callback(forget_sessions)


def ask_to_end(thread: AsyncWebsocketThread) -> None:
    """Let the thread end as soon as it can; return at once."""
    manager = thread.task_manager
    with suppress(RuntimeError):  # it has ended already
        manager.call_soon_threadsafe(manager._terminate.set)
