"""Running async work from any place, also where an event loop runs already."""

from __future__ import annotations

import queue
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

_T = TypeVar("_T")


def run_in_thread(work: Callable[[], Awaitable[_T]]) -> _T:
    """Run async work on an event loop of its own in a thread, and return its result.

    The caller's thread keeps its own event loop, which plugins for async tests have set up.
    """
    results: queue.SimpleQueue[tuple[_T | None, BaseException | None]] = queue.SimpleQueue()

    async def run() -> _T:
        return await work()

    def in_thread() -> None:
        try:
            results.put((anyio.run(run), None))
        except BaseException as error:  # noqa: BLE001 (raised in the caller's thread)
            results.put((None, error))

    # A daemon, so that Ctrl-C need not wait for it.
    threading.Thread(target=in_thread, name="lmstudio-fixtures", daemon=True).start()
    result, error = results.get()
    if error is not None:
        raise error
    return result  # type: ignore[return-value]
