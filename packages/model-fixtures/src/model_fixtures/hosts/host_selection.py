"""Choosing the host, the same way everywhere.

An explicit host (option, else `LMSTUDIO_API_HOST`) wins, and must answer. `embedded` as host asks
for the embedded server. Without either, a host that answers on the default ports is used, else the
embedded server.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from .address import parse_address
from .errors import HostError
from .greeting import find_greeting, greeting_problem, is_own_server

HOST_VARIABLE = "LMSTUDIO_API_HOST"
EMBEDDED = "embedded"
# The REST port first, where a user expects the app; then the SDK's own discovery ports.
DEFAULT_PORTS = (1234, 41343, 52993, 16141, 39414, 22931)


class Host(Struct, frozen=True):
    """A server to talk to.

    `own_server` tells that this project's server answers there, whoever started it.
    """

    address: str
    kind: Literal["explicit", "found", "embedded"]
    reason: str
    own_server: bool = False


class Selection(Struct, frozen=True):
    """A decision: a host that answers, or None when the embedded server is to be started."""

    host: Host | None
    reason: str

    @property
    def embedded(self) -> bool:
        """Whether this project's server is or will be what answers."""
        return self.host is None or self.host.own_server


def select(
    explicit: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    ports: Sequence[int] = DEFAULT_PORTS,
    option: str = "--host",
) -> Selection:
    """Decide which host to use and say why.

    Args:
        explicit: what the user gave as option; None when not given.
        environ: where `LMSTUDIO_API_HOST` is looked up; empty there counts as not set.
        ports: loopback ports on which a host is looked for, best first.
        option: the option's name, for texts.

    Raises:
        HostError: the named host is malformed or does not answer; one line.
    """
    variable = (os.environ if environ is None else environ).get(HOST_VARIABLE, "").strip()
    source = option if explicit is not None else HOST_VARIABLE
    named = explicit if explicit is not None else variable or None
    if named is not None and named.strip() == EMBEDDED:
        return Selection(None, f"{source} says {EMBEDDED}")
    if named is not None:
        return _named(named, source)
    address = find_greeting([f"127.0.0.1:{port}" for port in ports])
    if address is not None:
        own = is_own_server(address)
        reason = f"{'the embedded server' if own else 'a host'} answers there"
        return Selection(Host(address, "found", reason, own), reason)
    return Selection(None, f"no host answers on port {', '.join(map(str, ports))}")


def _named(text: str, source: str) -> Selection:
    try:
        address = parse_address(text)
    except HostError as error:
        msg = f"{source}: {error}"
        raise HostError(msg) from None
    problem = greeting_problem(address)
    if problem is not None:
        msg = (
            f"{source}: no LM Studio host at {address} ({problem}): start its server"
            f" (lms server start), name another host, or say {EMBEDDED}"
        )
        raise HostError(msg)
    reason = f"named by {source}"
    return Selection(Host(address, "explicit", reason, is_own_server(address)), reason)


def select_host(explicit: str | None = None) -> Host | None:
    """Return the host to use, None when the embedded server is to be started. Errors as `select`."""
    return select(explicit).host
