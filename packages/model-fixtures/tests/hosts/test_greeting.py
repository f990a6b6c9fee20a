"""Finding out whether a server is an LM Studio host."""

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
    """Status 200 and an object whose `lmstudio` is true make a host."""
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
    """Any other answer, however odd, makes another kind of server."""
    assert greeting_problem(serve_http(status, body)) == "another kind of server"


def test_a_host_under_another_name(serve_http: MakeHttp) -> None:
    """An embedded server that refuses the name says so, and the option for it is named."""
    address = serve_http(403, b'{"error":{"code":"unknown_host"}}')
    assert str(greeting_problem(address)).endswith("start it with --allow-host")


def test_not_a_web_server(serve_raw: MakeRaw) -> None:
    """A server that does not speak HTTP is told apart."""
    address = serve_raw(lambda connection: connection.sendall(b"220 mail ready\r\n\r\n"))
    assert greeting_problem(address) == "not an HTTP server"


def test_nobody(closed_address: str) -> None:
    """A port without a listener refuses."""
    assert greeting_problem(closed_address) == "connection refused"


def test_a_silent_server(serve_raw: MakeRaw) -> None:
    """A server that says nothing is given up after the timeout."""
    asked = threading.Event()

    def say_nothing(_connection: socket.socket) -> None:
        asked.wait(30)

    address = serve_raw(say_nothing)
    assert greeting_problem(address, timeout=0.05) == "no answer within 0.05 s"
    asked.set()


def test_no_such_name() -> None:
    """A name that cannot exist is no host either."""
    assert greeting_problem("a..b:1234") == "no possible host name"


def test_the_first_in_order_is_found(serve_http: MakeHttp, closed_address: str) -> None:
    """Of several hosts the first in the given order is found, behind closed and other ports."""
    other, first, second = serve_http(404), serve_http(), serve_http()
    assert find_greeting([closed_address, other, first, second]) == first
    assert find_greeting([second, closed_address, other, first]) == second
    assert find_greeting([closed_address, other]) is None
    assert find_greeting([]) is None


def test_all_are_asked_at_the_same_time(serve_http: MakeHttp) -> None:
    """No port waits for another: servers that answer only once all were asked are found."""
    everybody = threading.Barrier(3, timeout=30)

    def answer(_path: str) -> tuple[int, bytes]:
        everybody.wait()
        return 200, b'{"lmstudio":true}'

    addresses = [serve_http(answer=answer) for _ in range(3)]
    assert find_greeting(addresses, timeout=30) == addresses[0]


def test_a_dribbling_server_holds_nobody_up(serve_raw: MakeRaw, serve_http: MakeHttp) -> None:
    """A server that sends a byte now and then counts as no host, however long it goes on."""
    enough = threading.Event()

    def dribble(connection: socket.socket) -> None:
        while not enough.wait(0.01):
            connection.sendall(b"H")

    addresses = [serve_raw(dribble), serve_http()]
    found = find_greeting(addresses, timeout=0.5)
    enough.set()
    assert found == addresses[1]


def test_our_own_server(serve_http: MakeHttp, closed_address: str) -> None:
    """The project's server says in its status what it is; the app and others do not."""

    def status(package: str) -> str:
        body = f'{{"package":"{package}","version":"1"}}'.encode()
        return serve_http(answer=lambda path: (200 if path == "/lms-status" else 404, body))

    assert is_own_server(status("lmstudio-model-fixtures"))
    assert not is_own_server(status("lmstudio"))
    assert not is_own_server(serve_http(404))
    assert not is_own_server(closed_address)
