"""A TCP server on loopback and on its own thread, for hosts and proxies that tests make up."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType

from typing_extensions import Self

LOOPBACK = "127.0.0.1"
# In bytes. A stream reads no further ahead, and no request has a longer head.
READ_LIMIT = 1 << 20
_BACKLOG = 1024

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class TcpServer:
    """A server that calls `serve` with each connection; a context manager.

    A connection is closed when `serve` returns. Leaving the context manager cuts off all others,
    whatever `serve` is doing.
    """

    _loop: asyncio.AbstractEventLoop
    _stop: asyncio.Event
    _thread: threading.Thread

    def __init__(
        self,
        serve: Serve,
        *,
        tls: ssl.SSLContext | None = None,
        address: str = LOOPBACK,
        port: int = 0,
    ) -> None:
        """Choose what to do; the port (0: any that is free) is taken on entering.

        `tls` makes it a TLS server.
        """
        self._serve_connection = serve
        self._tls = tls
        self._ip = address
        self._port = port
        self._serving: set[asyncio.Task[None] | None] = set()

    @property
    def address(self) -> str:
        """`address:port`, IPv6 in brackets."""
        ip = f"[{self._ip}]" if ":" in self._ip else self._ip
        return f"{ip}:{self._port}"

    @property
    def port(self) -> int:
        """The port number."""
        return self._port

    def __enter__(self) -> Self:
        """Take the port and serve. Raises OSError if the port is taken."""
        family = socket.AF_INET6 if ":" in self._ip else socket.AF_INET
        listening = socket.create_server((self._ip, self._port), family=family, backlog=_BACKLOG)
        self._port = listening.getsockname()[1]
        self._loop, self._stop = asyncio.new_event_loop(), asyncio.Event()
        self._thread = threading.Thread(
            target=self._run, args=(listening,), name=type(self).__name__, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self, listening: socket.socket) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._listen(listening))

    async def _listen(self, listening: socket.socket) -> None:
        server = await asyncio.start_server(
            self._serve, sock=listening, ssl=self._tls, limit=READ_LIMIT, backlog=_BACKLOG
        )
        await self._stop.wait()
        await _end_other_tasks()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._serving.add(task)  # asyncio holds no reference to it once its client is gone
        try:
            # The client has ended the connection, or this server does.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._serve_connection(reader, writer)
        finally:
            self._serving.discard(task)
            writer.transport.abort()


async def _end_other_tasks() -> None:
    """Cancel every other task of this loop until none is left.

    Among them are asyncio's own tasks, each of which accepts a connection. Such a connection stays
    open if its task is cancelled before it has begun, or if its server is closed meanwhile.
    """
    while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in tasks:
            if _has_begun(task):
                task.cancel()
        await asyncio.sleep(0)


def _has_begun(task: asyncio.Task[None]) -> bool:
    coroutine = task.get_coro()
    assert inspect.iscoroutine(coroutine)
    return inspect.getcoroutinestate(coroutine) != inspect.CORO_CREATED
