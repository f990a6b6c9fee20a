"""A small stand-in for LM Studio's port that records every byte: it loads and predicts nothing.

For tests of the edge's rule and of what a client puts on the wire. Tests of the SDK's work use
the host under test.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass
from types import TracebackType

from waf_tests.secret import HiddenBytes, HiddenText, Secret

from .origin_websocket import WebsocketPeer

LOOPBACK = "127.0.0.1"
GREETING = "/lmstudio-greeting"
_HEAD_END = b"\r\n\r\n"
_HEAD_LIMIT = 1 << 20
# Their values are keys, and requests are in sight when a test fails.
_KEY_HEADERS = frozenset({"authorization", "x-api-key"})


@dataclass(frozen=True)
class RecordedRequest:
    """One request head, as it arrived: names in their case, repeated headers repeated."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        """Return the values of every header of this name, whatever the case."""
        return [value for header, value in self.headers if header.lower() == name.lower()]


@dataclass(frozen=True)
class Answer:
    """What to answer to everything, in place of being LM Studio."""

    status: str = "403 Forbidden"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def encode(self) -> bytes:
        """Return the answer's bytes."""
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in self.headers)]
        lines += [f"Content-Length: {len(self.body)}", "Connection: close"]
        return "\r\n".join(lines).encode("ascii") + _HEAD_END + self.body


GREETING_ANSWER = Answer("200 OK", (("Content-Type", "application/json"),), b'{"lmstudio":true}')
_NOT_FOUND = Answer("404 Not Found")


class RecordingOrigin:
    """Context manager around a listening port on its own thread.

    `token`: refuse every identity but this one. `answer`: say this to every request.
    `upgrade_answer`: say this to websocket handshakes; with `upgrade_path`, to those of this path.
    `drop_after_upgrade`: reset each websocket right after its handshake.
    `requests` and `received` fill while it runs; both are complete once it is left.
    """

    def __init__(
        self,
        *,
        token: Secret | None = None,
        answer: Answer | None = None,
        upgrade_answer: Answer | None = None,
        upgrade_path: str | None = None,
        drop_after_upgrade: bool = False,
        address: str = LOOPBACK,
        port: int = 0,
    ) -> None:
        """Choose the behaviour; the port (0: any that is free) is taken on entering."""
        self.requests: list[RecordedRequest] = []
        self._received = bytearray()
        self._token = token
        self._answer = answer
        self._upgrade_answer = upgrade_answer
        self._upgrade_path = upgrade_path
        self._drop = drop_after_upgrade
        self._ip = address
        self._port = port
        self._serving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="origin", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def received(self) -> HiddenBytes:
        """All that has arrived outside of websockets."""
        return HiddenBytes(self._received)

    @property
    def address(self) -> str:
        """`address:port`, IPv6 in brackets."""
        ip = f"[{self._ip}]" if ":" in self._ip else self._ip
        return f"{ip}:{self._port}"

    @property
    def port(self) -> int:
        """The port number."""
        return self._port

    def __enter__(self) -> RecordingOrigin:
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
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await asyncio.start_server(
            self._accept, self._ip, self._port, limit=_HEAD_LIMIT, backlog=1024
        )
        self._port = server.sockets[0].getsockname()[1]
        self._serving.set()
        await self._stop.wait()
        # asyncio leaves a connection open that it is accepting when its server closes.
        while asyncio.all_tasks() - self._tasks - {asyncio.current_task()}:
            await asyncio.sleep(0)
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def close(ended: asyncio.Task[None]) -> None:
            self._tasks.discard(ended)
            writer.close()

        task = asyncio.create_task(self._talk(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(close)  # also of a task that is cancelled before it has begun

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):  # the other side has ended it
            await self._converse(reader, writer)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(1)
        if not first.isalpha():
            return  # closed, or a TLS handshake
        try:
            head = first + await reader.readuntil(_HEAD_END)
        except asyncio.IncompleteReadError as error:
            self._received += first + error.partial
            return
        self._received += head
        request = _parse(head)
        self.requests.append(request)
        if self._answer is not None:
            answer = self._answer
        elif (
            request.values("upgrade")
            and self._upgrade_answer is not None
            and self._upgrade_path in (None, request.target)
        ):
            answer = self._upgrade_answer
        elif request.values("upgrade"):
            await self._serve_websocket(head, request, reader, writer)
            return
        else:
            answer = GREETING_ANSWER if request.target.split("?")[0] == GREETING else _NOT_FOUND
        writer.write(answer.encode())
        await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        # A body, or whatever somebody smuggled behind the request.
        self._received += await reader.read()

    async def _serve_websocket(
        self,
        head: bytes,
        request: RecordedRequest,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        peer = WebsocketPeer(self._token)
        writer.write(peer.receive(head))
        if self._drop:
            writer.transport.abort()
            return
        while not peer.closed:
            await writer.drain()
            data = await reader.read(_HEAD_LIMIT)
            if not data:
                return
            writer.write(peer.receive(data))
        await writer.drain()


def _parse(head: bytes) -> RecordedRequest:
    lines = head.decode("latin-1").split("\r\n")
    method, _, rest = lines[0].partition(" ")
    target, _, version = rest.rpartition(" ")
    pairs = (line.partition(":") for line in lines[1:] if line)
    headers = tuple((name, _shown(name, value.strip(" \t"))) for name, _, value in pairs)
    return RecordedRequest(method, target, version, headers)


def _shown(name: str, value: str) -> str:
    return HiddenText(value) if name.lower() in _KEY_HEADERS else value
