"""Async clients of a host that misbehaves; faulty_clients_sync is the sync counterpart."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio
from lmstudio import AsyncClient

from .concurrency_async import PATIENCE, eventually
from .scenarios import Rule, ScenarioServer

SHORT = 0.15
"""Seconds to wait for a message that will never come."""


@asynccontextmanager
async def faulty_client(server: ScenarioServer, *rules: Rule) -> AsyncIterator[AsyncClient]:
    """Provide a client for which the rules hold.

    Every fault must happen, no call may hang, and no task may be left running.
    """
    client = AsyncClient(server.address)
    async with nothing_left_running():
        with server.scenario(client, rules), anyio.fail_after(PATIENCE):
            async with client:
                yield client


async def all_happened(server: ScenarioServer, client: AsyncClient) -> None:
    """Wait until every fault of the client's scenario has happened."""

    async def none_pending() -> bool:
        return server.has_happened(client)

    await eventually(none_pending)


@asynccontextmanager
async def nothing_left_running(patience: float = PATIENCE) -> AsyncIterator[None]:
    """Fail when tasks that were started in the block do not end after it; cancel those tasks."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before
    if left:
        _, left = await asyncio.wait(left, timeout=patience)
    names = [str(task.get_coro()) for task in left]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
    assert names == [], "these tasks were still running after the block"


@contextmanager
def short_wait(seconds: float = SHORT) -> Iterator[None]:
    """Let calls in the block raise TimeoutError after a short wait for an answer."""
    with anyio.fail_after(seconds):
        yield
