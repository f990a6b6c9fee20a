"""Telling LM Studio hosts from other servers."""

from __future__ import annotations

import socket
import threading

import pytest
from model_fixtures.hosts import find_greeting, greeting_problem, is_own_server

from .conftest import MakeHttp, MakeRaw


@pytest.mark.parametrize(
    "body", [b'{"lmstudio":true}', b'{"lmstudio":1,"more":"x"}', b' {"lmstudio": true}\n']
)
def test_a_host(serve_http: MakeHttp, body: bytes) -> None:
    """A server is a host if it answers with status 200 and an object whose `lmstudio` is true."""
    assert greeting_problem(serve_http(200, body)) is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b'{"lmstudio":true}'),
        (500, b""),
        (200, b""),
        (200, b"<html>"),
        (200, b'{"lmstudio":false}'),
        (200, b'{"other":true}'),
        (200, b'["lmstudio"]'),
        (200, b"\xff\xfe"),
        (200, b"[" * 60_000),
        (301, b""),
        (403, b'{"error":"unknown_host"}'),
        (403, b'{"error":{"code":"forbidden"}}'),
    ],
)
def test_another_kind_of_server(serve_http: MakeHttp, status: int, body: bytes) -> None:
    """A server with any other answer, however odd, is another kind of server."""
    assert greeting_problem(serve_http(status, body)) == "another kind of server"


def test_a_host_under_another_name(serve_http: MakeHttp) -> None:
    """If an embedded server refuses the host name, the message names the option for that."""
    address = serve_http(403, b'{"error":{"code":"unknown_host"}}')
    assert str(greeting_problem(address)).endswith("start it with --allow-host")


def test_not_a_web_server(serve_raw: MakeRaw) -> None:
    """A server that does not speak HTTP is reported as such."""
    address = serve_raw(lambda connection: connection.sendall(b"220 mail ready\r\n\r\n"))
    assert greeting_problem(address) == "not an HTTP server"


def test_nobody(closed_address: str) -> None:
    """A port without a listener is reported as a refused connection."""
    assert greeting_problem(closed_address) == "connection refused"


def test_a_silent_server(serve_raw: MakeRaw) -> None:
    """A server that sends nothing is given up after the timeout."""
    asked = threading.Event()

    def say_nothing(_connection: socket.socket) -> None:
        asked.wait(30)

    address = serve_raw(say_nothing)
    assert greeting_problem(address, timeout=0.05) == "no answer within 0.05 s"
    asked.set()


def test_no_such_name() -> None:
    """A malformed host name is reported as such."""
    assert greeting_problem("a..b:1234") == "not a valid host name"


def test_the_first_in_order_is_found(serve_http: MakeHttp, closed_address: str) -> None:
    """Of several hosts, the first in the given order is found, after closed and other ports."""
    other, first, second = serve_http(404), serve_http(), serve_http()
    assert find_greeting([closed_address, other, first, second]) == first
    assert find_greeting([second, closed_address, other, first]) == second
    assert find_greeting([closed_address, other]) is None
    assert find_greeting([]) is None


def test_all_are_asked_at_the_same_time(serve_http: MakeHttp) -> None:
    """All addresses are asked at once: servers that answer only after that are found."""
    everybody = threading.Barrier(3, timeout=30)

    def answer(_path: str) -> tuple[int, bytes]:
        everybody.wait()
        return 200, b'{"lmstudio":true}'

    addresses = [serve_http(answer=answer) for _ in range(3)]
    assert find_greeting(addresses, timeout=30) == addresses[0]


def test_a_dribbling_server_holds_nobody_up(serve_raw: MakeRaw, serve_http: MakeHttp) -> None:
    """A server that sends a byte now and then is given up after the timeout, too."""
    enough = threading.Event()

    def dribble(connection: socket.socket) -> None:
        while not enough.wait(0.01):
            connection.sendall(b"H")

    addresses = [serve_raw(dribble), serve_http()]
    found = find_greeting(addresses, timeout=0.5)
    enough.set()
    assert found == addresses[1]


def test_our_own_server(serve_http: MakeHttp, closed_address: str) -> None:
    """The embedded server names its package in its status; the app and others do not."""

    def status(package: str) -> str:
        body = f'{{"package":"{package}","version":"1"}}'.encode()
        return serve_http(answer=lambda path: (200 if path == "/lms-status" else 404, body))

    assert is_own_server(status("lmstudio-model-fixtures"))
    assert not is_own_server(status("lmstudio"))
    assert not is_own_server(serve_http(404))
    assert not is_own_server(closed_address)
