"""A limit for work as a whole, however many steps it has and whichever of them hangs."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import anyio

_T = TypeVar("_T")

# For closing what is open once the time is over. What takes longer is left to the process's end.
_CLOSING_SECONDS = 2.0


class DeadlineError(Exception):
    """The work has not ended in time."""


def run_within(seconds: float, work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Return the result of the coroutine that `work` makes, or raise DeadlineError.

    It runs in an event loop of its own. At the end of its time it is cancelled and closes what it
    has opened. All of its threads are daemons, so what cannot be cancelled, such as looking up a
    name, holds up neither the caller nor the end of the process.
    """
    outcome: Future[_T] = Future()

    async def limited() -> _T:
        asyncio.get_running_loop().set_default_executor(_DaemonThreads())
        with anyio.move_on_after(seconds):
            return await work()
        raise DeadlineError

    threading.Thread(
        target=_run_into, args=(outcome, lambda: asyncio.run(limited())), daemon=True
    ).start()
    try:
        return outcome.result(seconds + _CLOSING_SECONDS)
    except concurrent.futures.TimeoutError:  # since Python 3.11 the builtin, which work may raise
        if outcome.done():
            raise
        raise DeadlineError from None


class _DaemonThreads(ThreadPoolExecutor):
    """Runs each call in a thread of its own that the end of the process does not wait for."""

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        """Start the call."""
        outcome: Future[_T] = Future()
        threading.Thread(
            target=_run_into, args=(outcome, lambda: fn(*args, **kwargs)), daemon=True
        ).start()
        return outcome

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for nothing."""


def _run_into(outcome: Future[_T], call: Callable[[], _T]) -> None:
    """Put what the call returns or raises into `outcome`, unless that is cancelled already."""
    if not outcome.set_running_or_notify_cancel():  # from now on it cannot be cancelled
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - whoever waits for the outcome gets it
        outcome.set_exception(error)
    else:
        outcome.set_result(result)
