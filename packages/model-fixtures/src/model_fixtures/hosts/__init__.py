"""The server that the suite talks to: a named one, one that is found, or the embedded one."""

from __future__ import annotations

from .address import parse_address, split_address
from .errors import EmbeddedServerError, HostError
from .greeting import find_greeting, greeting_problem, is_own_server
from .host_selection import EMBEDDED, HOST_VARIABLE, Host, HostSelection, select_host

__all__ = [
    "EMBEDDED",
    "HOST_VARIABLE",
    "EmbeddedServerError",
    "Host",
    "HostError",
    "HostSelection",
    "find_greeting",
    "greeting_problem",
    "is_own_server",
    "parse_address",
    "select_host",
    "split_address",
]
