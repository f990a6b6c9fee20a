"""The recording origin, which stands where LM Studio would."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress

from waf_tests.testing.origin import RecordingOrigin

ROUNDS = 20


def test_connection_at_the_last_moment_is_closed() -> None:
    """A connection that comes while the origin stops is closed, like all others."""
    for _ in range(ROUNDS):
        with ExitStack() as connections:
            with RecordingOrigin() as origin:
                where = ("127.0.0.1", origin.port)
                client = connections.enter_context(socket.create_connection(where, timeout=5))
            with suppress(ConnectionError):
                assert client.recv(1) == b""
