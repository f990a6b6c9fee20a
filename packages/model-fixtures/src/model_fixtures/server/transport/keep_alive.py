"""TCP's own keep-alive: the systems of both sides find out whether the other is still there."""

from __future__ import annotations

import socket
from typing import Any

# Which of these a system has differs; macOS has another name for the first.
SECONDS = {
    "TCP_KEEPIDLE": 60,  # of silence before the system asks
    "TCP_KEEPALIVE": 60,
    "TCP_KEEPINTVL": 15,  # between its questions
}
QUESTIONS = 4  # without an answer until the connection counts as lost


def keep_alive(connection: Any) -> None:
    """Have the system end a connection whose other side has gone without a word.

    Args:
        connection: a TCP socket, or None for a transport without one.
    """
    if connection is None:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (*SECONDS.items(), ("TCP_KEEPCNT", QUESTIONS)):
        option = getattr(socket, name, None)
        if option is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
