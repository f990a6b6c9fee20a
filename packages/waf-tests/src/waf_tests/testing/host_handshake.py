"""A host's side of the greeting and the websocket handshake, after which it may misbehave."""

from __future__ import annotations

import asyncio
import re

from wsproto.utilities import generate_accept_token

HEAD_END = b"\r\n\r\n"
_BODY = b'{"lmstudio":true}'
_GREETED = b"HTTP/1.1 200 OK\r\nContent-Length: %d" % len(_BODY) + HEAD_END + _BODY
_KEY = re.compile(rb"sec-websocket-key: *([^\r]+)", re.IGNORECASE)
_SHORT = 126  # a shorter frame has its length in one byte


async def accept_websocket(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, accept: bytes | None = None
) -> None:
    """Answer greetings until the client asks for a websocket, then accept that.

    `accept` is sent in Sec-WebSocket-Accept in place of the right value.
    """
    while True:
        key = _KEY.search(await reader.readuntil(HEAD_END))
        if key is None:
            writer.write(_GREETED)
            continue
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
            b"Sec-WebSocket-Accept: " + (accept or generate_accept_token(key[1])) + HEAD_END
        )
        return


def frame(data: bytes, *, opcode: int = 1) -> bytes:
    """Return one complete frame: a text frame, unless `opcode` says otherwise."""
    size = bytes((len(data),)) if len(data) < _SHORT else b"\x7e" + len(data).to_bytes(2, "big")
    return bytes((0x80 | opcode,)) + size + data
