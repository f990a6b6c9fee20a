"""SDK clients on a host, which are closed at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from .host import Host

if TYPE_CHECKING:
    from lmstudio import AsyncClient, Client


@contextmanager
def open_client(host: Host) -> Iterator[Client]:
    """Provide a client on a host in the block."""
    from lmstudio import Client

    with Client(host, **_token(host)) as client:
        yield client


@asynccontextmanager
async def open_async_client(host: Host) -> AsyncIterator[AsyncClient]:
    """Provide an async client on a host in the block.

    A task of its own opens and closes it, since the SDK wants both to happen in one task. Plugins
    that run async tests may set up and tear down a fixture in two.
    """
    from lmstudio import AsyncClient

    opened: asyncio.Future[AsyncClient] = asyncio.get_running_loop().create_future()
    ended = asyncio.Event()

    async def hold() -> None:
        try:
            async with AsyncClient(host, **_token(host)) as client:
                opened.set_result(client)
                await ended.wait()
        except BaseException as error:
            if opened.done():
                raise
            opened.set_exception(error)

    task = asyncio.create_task(hold())
    try:
        yield await opened
    finally:
        ended.set()
        await task


def _token(host: Host) -> dict[str, str]:
    # SDKs before 1.5.0 take no token.
    return {} if host.token is None else {"api_token": host.token}
