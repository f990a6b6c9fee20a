"""Concurrent calls, in threads, and waiting in sync tests; concurrency_async is the counterpart."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 30
"""Seconds to wait before a test gives up."""


def together(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make the calls at the same time and return their results in the order of the calls."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(call) for call in calls]]


def eventually(condition: Callable[[], bool]) -> None:
    """Poll the condition until it holds; raise TimeoutError if it never does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"the condition did not come true within {PATIENCE} seconds")
        time.sleep(0.05)


def in_time(call: Callable[[], T]) -> T:
    """Make a call; the SDK's own timeout ends it if it does not return."""
    return call()
