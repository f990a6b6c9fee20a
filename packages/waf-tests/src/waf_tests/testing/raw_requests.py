"""Requests that are written byte by byte, because no HTTP client would send them."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import h2.config
import h2.connection
import h2.events

from waf_tests.edge import Edge
from waf_tests.rule.expected_verdicts import HANDSHAKE
from waf_tests.secret import hidden

_CHUNK = 65536
# A bound for an edge that hangs; every exchange ends with an answer or a closed connection.
_SECONDS = 20.0
_UPGRADED = b"HTTP/1.1 101 "
_HEAD_END = b"\r\n\r\n"
# This library's debug log shows the values of all headers, and so the key.
logging.getLogger("hpack").setLevel(logging.INFO)


@dataclass(frozen=True)
class RawAnswer:
    """The bytes of one connection's answers, up to its end."""

    data: bytes

    @property
    def status(self) -> int | None:
        """The first answer's status; None if the connection was closed without one."""
        parts = self.data.split(None, 2)
        return int(parts[1]) if self.data.startswith(b"HTTP/") else None

    @property
    def passed(self) -> bool:
        """Whether the first answer shows that the request got through."""
        return self.status in (101, 200)

    def header(self, name: str) -> str | None:
        """Return the value of a header of the first answer."""
        head = self.data.split(_HEAD_END)[0].decode("latin-1")
        for line in head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


def exchange(edge: Edge, request: bytes, *, tls: bool = True) -> RawAnswer:
    """Send the bytes over one connection and return what arrives until it is closed or upgraded.

    After an upgrade the connection is closed from this side.
    """
    with _connected(edge) as plain:
        if not tls:
            return RawAnswer(_send_and_read(plain, request))
        context = trusting(edge)
        with context.wrap_socket(plain, server_hostname=edge.settings.host) as encrypted:
            return RawAnswer(_send_and_read(encrypted, request))


def _connected(edge: Edge) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", edge.port), timeout=_SECONDS)
    # Otherwise a request waits 40 ms for the edge to acknowledge the TLS handshake.
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain


def trusting(edge: Edge) -> ssl.SSLContext:
    """Return a context that trusts this edge's CA."""
    return ssl.create_default_context(cadata=edge.ca_pem)


def _send_and_read(connection: socket.socket, request: bytes) -> bytes:
    received = bytearray()
    try:
        connection.sendall(request)
        while data := connection.recv(_CHUNK):
            received += data
            if received.startswith(_UPGRADED) and _HEAD_END in received:
                break
    except (ConnectionError, ssl.SSLError):
        pass  # the edge has hung up; what it sent before counts
    return bytes(received)


class SilentWebsocket:
    """An open websocket that sends nothing, not even pings."""

    def __init__(self, encrypted: ssl.SSLSocket) -> None:
        """Wrap a connection on which the handshake has been answered."""
        self._encrypted = encrypted

    def wait_until_closed(self) -> None:
        """Wait until the edge has closed the connection."""
        try:
            while self._encrypted.recv(_CHUNK):
                pass
        except (ConnectionError, ssl.SSLError):
            pass  # it was closed without notice


@contextmanager
def open_silent_websocket(edge: Edge) -> Iterator[SilentWebsocket]:
    """Open a websocket through the edge, with the key, and leave it alone."""
    request = HANDSHAKE.request(edge.key.reveal(), edge.settings.host)
    with (
        _connected(edge) as plain,
        trusting(edge).wrap_socket(plain, server_hostname=edge.settings.host) as encrypted,
    ):
        encrypted.sendall(request)
        received = b""
        while _HEAD_END not in received:
            received += encrypted.recv(_CHUNK)
        if not received.startswith(_UPGRADED):
            raise ConnectionError("the edge did not answer the handshake with 101")
        yield SilentWebsocket(encrypted)


def exchange_http2(
    edge: Edge,
    path: str,
    headers: Sequence[tuple[str, str]],
    *,
    method: str = "GET",
    authority: str | None = None,
) -> int:
    """Send one request over HTTP/2, with exactly these headers, and return its status.

    `authority` None is the edge's own host. Returns 0 if the edge resets the stream or the
    connection instead of answering.
    """
    path, headers = hidden(path), [(name, hidden(value)) for name, value in headers]
    context = trusting(edge)
    context.set_alpn_protocols(["h2"])
    # The library would refuse to send what an attacker sends.
    config = h2.config.H2Configuration(
        validate_outbound_headers=False,
        normalize_outbound_headers=False,
        header_encoding=None,
    )
    connection = h2.connection.H2Connection(config)
    # Huffman coding of a long header takes seconds in Python.
    plain_encode = partial(connection.encoder.encode, huffman=False)
    connection.encoder.encode = plain_encode  # type: ignore[method-assign]
    with (
        _connected(edge) as plain,
        context.wrap_socket(plain, server_hostname=edge.settings.host) as encrypted,
    ):
        connection.initiate_connection()
        start = [(":method", method), (":scheme", "https"), (":path", path)]
        start.append((":authority", edge.settings.host if authority is None else authority))
        connection.send_headers(1, _encoded([*start, *headers]), end_stream=True)
        try:
            return _http2_status(connection, encrypted)
        except (ConnectionError, ssl.SSLError):
            return 0  # the edge has hung up


def _http2_status(connection: h2.connection.H2Connection, encrypted: ssl.SSLSocket) -> int:
    encrypted.sendall(connection.data_to_send())
    while data := encrypted.recv(_CHUNK):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                return int(dict(event.headers or [])[b":status"])
            if isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                return 0
        encrypted.sendall(connection.data_to_send())
    return 0


def _encoded(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return the headers with one byte for each character, so that any byte can be sent."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
