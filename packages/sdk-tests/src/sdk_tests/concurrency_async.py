"""Concurrent calls and waiting in async tests; concurrency_sync is the sync counterpart."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

T = TypeVar("T")

PATIENCE = 30
"""Seconds to wait before a test gives up."""


async def together(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Make the calls at the same time and return their results in the order of the calls."""
    results: dict[int, T] = {}

    async def run(index: int) -> None:
        results[index] = await calls[index]()

    async with anyio.create_task_group() as tasks:
        for index in range(len(calls)):
            tasks.start_soon(run, index)
    return [results[index] for index in range(len(calls))]


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Poll the condition until it holds; raise TimeoutError if it never does."""
    with anyio.fail_after(PATIENCE):
        while not await condition():
            await anyio.sleep(0.05)


async def in_time(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call, and raise TimeoutError if it does not return."""
    with anyio.fail_after(PATIENCE):
        return await call()
