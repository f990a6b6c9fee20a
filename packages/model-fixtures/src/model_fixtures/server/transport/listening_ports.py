"""Listening sockets on loopback."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Sequence

from model_fixtures.default_ports import DISCOVERY_PORTS, REST_PORT
from model_fixtures.errors import ModelFixturesError

from .handle_exhaustion import BACKLOG

LOOPBACK = "127.0.0.1"


class PortError(ModelFixturesError):
    """A port can't be used. The message is one line and says what to do."""


def listen(ports: Sequence[int], *, default_ports: bool) -> tuple[list[socket.socket], list[str]]:
    """Return sockets for the wanted ports, and notes on defaults that are in use.

    Args:
        ports: ports that must all be free; 0 means any free one.
        default_ports: whether to take 1234 and a discovery port as well, if they are free.

    Raises:
        PortError: a wanted port is in use, or there is no port at all.
    """
    sockets: list[socket.socket] = []
    notes: list[str] = []
    try:
        for port in ports:
            sockets.append(_bind(port))
        if default_ports:
            _take_defaults(sockets, notes)
        if not sockets:
            raise PortError("no port to listen on: give --port, or leave the default ports on")
    except PortError:
        for taken in sockets:
            taken.close()
        raise
    return sockets, notes


def address(listening: socket.socket) -> str:
    """Return `host:port` of a socket."""
    host, port = listening.getsockname()[:2]
    return f"{host}:{port}"


def _take_defaults(sockets: list[socket.socket], notes: list[str]) -> None:
    taken = {listening.getsockname()[1] for listening in sockets}
    if REST_PORT not in taken:
        try:
            sockets.append(_bind(REST_PORT))
        except PortError as error:
            notes.append(f"{error}; not listening there")
    if taken.intersection(DISCOVERY_PORTS):
        return
    for port in DISCOVERY_PORTS:
        try:
            sockets.append(_bind(port))
        except PortError:
            continue
        return
    notes.append(
        "all of the SDK's discovery ports are in use: lmstudio.Client() finds another host"
    )


def _bind(port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the socket names TCP.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform != "win32":
        # On Windows this option would let two servers share a port.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortError(
                f"port {port} is in use: stop what listens there (another LM Studio?) "
                "or choose another with --port"
            ) from error
        raise PortError(f"cannot listen on port {port}: {error.strerror}") from error
    listening.setblocking(False)
    return listening
