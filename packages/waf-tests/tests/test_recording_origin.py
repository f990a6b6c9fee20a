"""The recording origin records requests as they arrive."""

from __future__ import annotations

import socket

from waf_tests.testing.recording_origin import Answer, RecordingOrigin


def test_values_are_recorded_as_they_are() -> None:
    """A recorded value lacks only the spaces and tabs around it, not other white space."""
    with RecordingOrigin(answer=Answer()) as origin:
        with socket.create_connection(("127.0.0.1", origin.port), timeout=5) as client:
            client.sendall(b"GET / HTTP/1.1\r\nX-API-Key:\t \x0bkey\xa0\x85 \t\r\n\r\n")
            assert client.recv(1) == b"H"
        (request,) = origin.requests
    assert request.values("x-api-key") == ["\x0bkey\xa0\x85"]
