"""Concurrency for sync tests with threads; concurrency_async is the same for async tests."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 30
"""Seconds after which what has not happened is taken for what never will."""


def together(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make the calls at the same time and return their results in the order of the calls."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(call) for call in calls]]


def eventually(condition: Callable[[], bool]) -> None:
    """Ask until the condition holds; fail if it does not come true."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("The condition does not come true")
        time.sleep(0.05)


def in_time(call: Callable[[], T]) -> T:
    """Make a call that waits for the SDK's own timeout if it does not notice something."""
    return call()
