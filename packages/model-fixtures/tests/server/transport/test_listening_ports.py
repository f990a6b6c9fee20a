"""Which ports the server listens on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from model_fixtures.server.transport import listening_ports


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind((listening_ports.LOOPBACK, 0))
    found = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return found


@contextmanager
def listening(*wanted: int) -> Iterator[tuple[list[int], list[str]]]:
    """Provide the sockets' ports and the notes for wanted ports beside the defaults."""
    sockets, notes = listening_ports.listen(wanted, default_ports=True)
    try:
        yield [each.getsockname()[1] for each in sockets], notes
    finally:
        for each in sockets:
            each.close()


@pytest.fixture
def defaults(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Put free ports in place of 1234 and the discovery ports."""
    rest, *discovery = free_ports(3)
    monkeypatch.setattr(listening_ports, "REST_PORT", rest)
    monkeypatch.setattr(listening_ports, "DISCOVERY_PORTS", tuple(discovery))
    return [rest, *discovery]


def test_the_first_free_discovery_port_is_taken(defaults: list[int]) -> None:
    """Beside 1234 one discovery port is enough, the first that is free."""
    rest, first, second = defaults
    with listening() as (found, notes):
        assert (found, notes) == ([rest, first], [])
        with listening(0) as (others, problems):
            assert others[1:] == [second]
            (problem,) = problems
            assert problem.startswith(f"port {rest} is in use")


def test_defaults_that_were_asked_for_are_no_problem(defaults: list[int]) -> None:
    """A default port that --port names is listened on once and without a note."""
    rest, _, second = defaults
    with listening(rest, second) as (found, notes):
        assert (found, notes) == ([rest, second], [])


@pytest.mark.difference("loopback-only")
def test_only_this_machine_can_connect(defaults: list[int]) -> None:
    """The server listens on loopback, whichever port it is."""
    sockets, _ = listening_ports.listen([0], default_ports=True)
    addresses = [each.getsockname() for each in sockets]
    for each in sockets:
        each.close()
    assert {host for host, _ in addresses} == {"127.0.0.1"}
    assert {port for _, port in addresses} >= set(defaults[:2])
