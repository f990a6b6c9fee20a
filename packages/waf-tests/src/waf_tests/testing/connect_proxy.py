"""A small HTTP proxy on loopback that knows host names which nothing else can resolve."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping

from .tcp_server import TcpServer

_HEAD_END = b"\r\n\r\n"
_CHUNK = 65536
_OPENED = b"HTTP/1.1 200 Connection established" + _HEAD_END


class ConnectProxy(TcpServer):
    """A proxy that opens tunnels to the hosts that it knows; a context manager.

    `hosts` maps `name:port`, as in CONNECT, to the real `address:port`; every other target is
    answered with 502. `refuse`, such as "403 Forbidden", is the answer to every request. With
    `tls`, clients speak TLS to the proxy. `targets` are the targets that clients have asked for,
    `heads` the bytes of their requests.
    """

    def __init__(
        self,
        hosts: Mapping[str, str],
        *,
        refuse: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Choose the behaviour; the port is taken on entering."""
        super().__init__(self._tunnel, tls=tls)
        self.targets: list[str] = []
        self.heads = bytearray()
        self._hosts = dict(hosts)
        self._refuse = refuse

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(_HEAD_END)
        self.heads += head
        method, target = head.decode("latin-1").split(" ")[:2]
        self.targets.append(target)
        where = self._hosts.get(target) if method == "CONNECT" else None
        if self._refuse or where is None:
            status = self._refuse or "502 Bad Gateway"
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0".encode() + _HEAD_END)
            await writer.drain()
            return
        ip, _, port = where.rpartition(":")
        host_reader, host_writer = await asyncio.open_connection(ip, int(port))
        writer.write(_OPENED)
        try:
            await asyncio.gather(_copy(reader, host_writer), _copy(host_reader, writer))
        finally:
            host_writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy data until either side ends its connection, then end the other side's."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()
