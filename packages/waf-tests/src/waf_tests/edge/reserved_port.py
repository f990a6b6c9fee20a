"""A loopback port that stays ours from one start of the edge to the next."""

from __future__ import annotations

import socket
from types import TracebackType

from .errors import EdgeError

LOOPBACK = "127.0.0.1"


class ReservedPort:
    """A free port that is held, so that no other program is given it while the edge is down.

    The edge listens on the port beside this socket, which never listens: both set SO_REUSEPORT.
    Where the system lacks that (Windows), the port is only chosen, not held.
    """

    def __init__(self, number: int = 0) -> None:
        """Take this port on the loopback address; 0 is any that is free.

        Raises EdgeError if the port cannot be taken, or if a program listens on it.
        """
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        reuse = getattr(socket, "SO_REUSEPORT", None)
        if reuse is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, reuse, 1)
        try:
            if number:  # SO_REUSEPORT would share it with another edge; this does not
                socket.create_server((LOOPBACK, number)).close()
            self._socket.bind((LOOPBACK, number))
        except OSError as error:
            self._socket.close()
            raise EdgeError(f"port {number}: {error.strerror or error}") from None
        self.number: int = self._socket.getsockname()[1]
        if reuse is None:
            self._socket.close()

    def __enter__(self) -> ReservedPort:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def release(self) -> None:
        """Give the port back."""
        self._socket.close()
