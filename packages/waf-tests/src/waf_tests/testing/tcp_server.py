"""A server of the test's own on loopback, for what no real server would do."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType

from typing_extensions import Self

LOOPBACK = "127.0.0.1"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class TcpServer:
    """Context manager around a listening port on its own thread; `serve` has each connection.

    Connections are cut off when it is left, whatever `serve` is doing.
    """

    def __init__(self, serve: Serve, *, tls: ssl.SSLContext | None = None) -> None:
        """Choose what to do; the port is taken on entering."""
        self._serve_one = serve
        self._tls = tls
        self._port = 0
        self._serving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tcp-server", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """`address:port`."""
        return f"{LOOPBACK}:{self._port}"

    @property
    def port(self) -> int:
        """The port number."""
        return self._port

    def __enter__(self) -> Self:
        self._thread.start()
        self._serving.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._accept, LOOPBACK, 0, ssl=self._tls)
        self._port = server.sockets[0].getsockname()[1]
        self._serving.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            # A client that gives up, and the end of this server, end the connection.
            with contextlib.suppress(
                ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError
            ):
                await self._serve_one(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()
