"""Which server the suite talks to: a named one, one that is found, or the embedded one."""

from __future__ import annotations

from model_fixtures.hosts.address import parse_address, split_address
from model_fixtures.hosts.errors import EmbeddedServerError, HostError
from model_fixtures.hosts.greeting import find_greeting, greeting_problem, is_own_server

from .host_selection import (
    DEFAULT_PORTS,
    EMBEDDED,
    HOST_VARIABLE,
    Host,
    Selection,
    select,
    select_host,
)

__all__ = [
    "DEFAULT_PORTS",
    "EMBEDDED",
    "HOST_VARIABLE",
    "EmbeddedServerError",
    "Host",
    "HostError",
    "Selection",
    "find_greeting",
    "greeting_problem",
    "is_own_server",
    "parse_address",
    "select",
    "select_host",
    "split_address",
]
