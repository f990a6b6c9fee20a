"""Addresses of hosts as users write them."""

from __future__ import annotations

import pytest
from model_fixtures.hosts import HostError, parse_address, split_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost", "localhost:1234"),
        ("localhost:41343", "localhost:41343"),
        ("  localhost:1\n", "localhost:1"),
        ("192.168.0.7:65535", "192.168.0.7:65535"),
        ("my-machine.example.org", "my-machine.example.org:1234"),
        ("docker_host:80", "docker_host:80"),
        ("::1", "[::1]:1234"),
        ("[::1]", "[::1]:1234"),
        ("[::1]:5", "[::1]:5"),
        ("[FE80::1]:5", "[fe80::1]:5"),
    ],
)
def test_accepted(text: str, address: str) -> None:
    """Hosts with and without a port are accepted, IPv6 included; the default port is 1234."""
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the host is empty"),
        ("  ", "the host is empty"),
        ("localhost:1234:1234", "'localhost:1234:1234' is not a host"),
        ("localhost:", "'localhost:' is not a host"),
        ("localhost:port", "'localhost:port' is not a host"),
        ("localhost:-1", "'localhost:-1' is not a host"),
        ("localhost:123456", "'localhost:123456' is not a host"),
        (":1234", "':1234' is not a host"),
        ("local host", "'local host' is not a host"),
        ("localhost/llm", "'localhost/llm' is not a host"),
        ("localhost:1234/llm", "'localhost:1234/llm' is not a host"),
        ("[::1", "'[::1' is not a host"),
        ("[::1]1234", "'[::1]1234' is not a host"),
        ("[localhost]:1234", "'[localhost]:1234' is not a host"),
        ("::g", "'::g' is not a host"),
        ("http://localhost:1234", "'http://localhost:1234' is a URL: leave out 'http://' and "),
        ("ws://localhost", "'ws://localhost' is a URL: leave out 'ws://' and "),
    ],
)
def test_refused(text: str, problem: str) -> None:
    """Other texts are refused with one line that says what is wrong and what to write."""
    with pytest.raises(HostError) as caught:
        parse_address(text)
    message = str(caught.value)
    assert message.startswith(problem)
    assert message.endswith("write host, host:port, [IPv6] or [IPv6]:port")
    assert "\n" not in message


@pytest.mark.parametrize("port", [0, 65536, 99999])
def test_ports_that_do_not_exist(port: int) -> None:
    """A port out of range is refused with a message that names the range."""
    problem = f"^'localhost:{port}' has port {port}: ports go from 1 to 65535$"
    with pytest.raises(HostError, match=problem):
        parse_address(f"localhost:{port}")


@pytest.mark.parametrize("text", ["user:secret@host", "ws://user:secret@host:1"])
def test_passwords_are_not_repeated(text: str) -> None:
    """A host with a user name and password is refused, and the message does not show them."""
    with pytest.raises(HostError, match="takes no user name or password") as caught:
        parse_address(text)
    assert "secret" not in str(caught.value)


def test_split() -> None:
    """A parsed address is split into host and port for sockets, IPv6 without brackets."""
    assert split_address("localhost:1234") == ("localhost", 1234)
    assert split_address("[::1]:5") == ("::1", 5)
