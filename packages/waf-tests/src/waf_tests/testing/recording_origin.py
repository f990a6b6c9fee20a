"""A small stand-in for LM Studio that records what arrives; it loads and predicts nothing.

It is for tests of the edge's rule and of what a client sends. Tests of what the SDK does use the
host under test.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from waf_tests.secret import HiddenBytes, HiddenText, Secret

from .origin_websocket import OriginWebsocket
from .tcp_server import LOOPBACK, READ_LIMIT, TcpServer

GREETING = "/lmstudio-greeting"
_HEAD_END = b"\r\n\r\n"
# The values of these headers are keys, and the reports of failed tests show requests.
_KEY_HEADERS = frozenset({"authorization", "x-api-key"})


@dataclass(frozen=True)
class RecordedRequest:
    """One request head as it arrived, with names in their case and with repeated headers."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        """Return the values of every header of this name, whatever the case."""
        return [value for header, value in self.headers if header.lower() == name.lower()]


@dataclass(frozen=True)
class Answer:
    """An answer that the origin gives in place of LM Studio's."""

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


class RecordingOrigin(TcpServer):
    """A stand-in for LM Studio that records what arrives; a context manager.

    With `token` it refuses every other identity. `answer` is its answer to every request, and
    `upgrade_answer` to every websocket handshake, or only to those for `upgrade_path`. With
    `drop_after_upgrade` it resets each websocket right after the handshake. `requests` and
    `received` fill while it runs and are complete once it is left.
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
        super().__init__(self._converse, address=address, port=port)
        self.requests: list[RecordedRequest] = []
        self._received = bytearray()
        self._token = token
        self._answer = answer
        self._upgrade_answer = upgrade_answer
        self._upgrade_path = upgrade_path
        self._drop = drop_after_upgrade

    @property
    def received(self) -> HiddenBytes:
        """All bytes that have arrived outside websockets."""
        return HiddenBytes(self._received)

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
        # This is the body, or whatever was smuggled in after the request.
        self._received += await reader.read()

    async def _serve_websocket(
        self,
        head: bytes,
        request: RecordedRequest,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        websocket = OriginWebsocket(self._token)
        writer.write(websocket.receive(head))
        if self._drop:
            writer.transport.abort()
            return
        while not websocket.closed:
            await writer.drain()
            data = await reader.read(READ_LIMIT)
            if not data:
                return
            writer.write(websocket.receive(data))
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
