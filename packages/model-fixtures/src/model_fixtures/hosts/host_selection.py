"""Choosing the host, for the command line, the pytest plugin and scripts alike.

A host that the user names by an option, or else by `LMSTUDIO_API_HOST`, is used and must answer;
the name `embedded` asks for the embedded server. If none is named, the first host that answers on
the default ports is used, and the embedded server if none does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from model_fixtures.default_ports import DEFAULT_PORTS

from .address import parse_address
from .errors import HostError
from .greeting import find_greeting, greeting_problem, is_own_server

HOST_VARIABLE = "LMSTUDIO_API_HOST"
EMBEDDED = "embedded"


class Host(Struct, frozen=True):
    """A server to talk to; `own_server` is true for this project's server, whoever started it."""

    address: str
    kind: Literal["explicit", "found", "embedded"]
    reason: str
    own_server: bool = False


class HostSelection(Struct, frozen=True):
    """A host that answers, or None when the embedded server is to be started, and the reason."""

    host: Host | None
    reason: str

    @property
    def embedded(self) -> bool:
        """Whether this project's server answers, or will once it has been started."""
        return self.host is None or self.host.own_server


def select_host(
    explicit: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    ports: Sequence[int] = DEFAULT_PORTS,
    option: str = "--host",
) -> HostSelection:
    """Decide which host to use and say why.

    Args:
        explicit: the value of the user's option; None if it was not given.
        environ: where `LMSTUDIO_API_HOST` is looked up; an empty value counts as not set.
        ports: loopback ports on which to look for a host; the first one with a host wins.
        option: the name of the option, for messages.

    Raises:
        HostError: the named host is malformed or does not answer.
    """
    variable = (os.environ if environ is None else environ).get(HOST_VARIABLE, "").strip()
    source = option if explicit is not None else HOST_VARIABLE
    named = explicit if explicit is not None else variable or None
    if named is not None and named.strip() == EMBEDDED:
        return HostSelection(None, f"{source} says {EMBEDDED}")
    if named is not None:
        return _named(named, source)
    address = find_greeting([f"127.0.0.1:{port}" for port in ports])
    if address is not None:
        own = is_own_server(address)
        reason = f"{'the embedded server' if own else 'a host'} answers there"
        return HostSelection(Host(address, "found", reason, own), reason)
    return HostSelection(None, f"no host answers on port {', '.join(map(str, ports))}")


def _named(text: str, source: str) -> HostSelection:
    try:
        address = parse_address(text)
    except HostError as error:
        raise HostError(f"{source}: {error}") from None
    problem = greeting_problem(address)
    if problem is not None:
        raise HostError(
            f"{source}: no LM Studio host at {address} ({problem}): start its server"
            f" (lms server start), name another host, or say {EMBEDDED}"
        )
    reason = f"named by {source}"
    return HostSelection(Host(address, "explicit", reason, is_own_server(address)), reason)
