"""Addresses of hosts as users write them."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from model_fixtures.default_ports import REST_PORT

from .errors import HostError

ACCEPTED = "write host, host:port, [IPv6] or [IPv6]:port"
_NAME = re.compile(r"[\w.-]+")
_PORT = re.compile(r"[0-9]{1,5}")


def parse_address(text: str) -> str:
    """Turn what a user wrote into `host:port`.

    Accepts `host`, `host:port`, an IPv6 literal, `[IPv6]` and `[IPv6]:port`. The port is 1234
    unless one is given, and IPv6 addresses are returned in brackets.

    Raises:
        HostError: the text is anything else.
    """
    text = text.strip()
    if not text:
        raise HostError(f"the host is empty: {ACCEPTED}")
    if "@" in text:
        # The text before the @ may hold a password, so it is not repeated.
        raise HostError(f"a host takes no user name or password: {ACCEPTED}")
    if "://" in text:
        scheme = text.partition("://")[0]
        raise HostError(f"{text!r} is a URL: leave out '{scheme}://' and {ACCEPTED}")
    host, port = _split(text)
    if not 1 <= port <= 65535:
        raise HostError(f"{text!r} has port {port}: ports go from 1 to 65535")
    return f"{host}:{port}"


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of a parsed address; an IPv6 host has no brackets there."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _split(text: str) -> tuple[str, int]:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text)
    if bracketed:
        host, port = f"[{_ipv6(bracketed[1], text)}]", bracketed[2]
    elif text.count(":") > 1:
        host, port = f"[{_ipv6(text, text)}]", None
    else:
        host, colon, rest = text.partition(":")
        port = rest if colon else None
        if not _NAME.fullmatch(host):
            raise _malformed(text)
    if port is None:
        return host, REST_PORT
    if not _PORT.fullmatch(port):
        raise _malformed(text)
    return host, int(port)


def _ipv6(literal: str, text: str) -> str:
    try:
        return str(IPv6Address(literal))
    except AddressValueError:
        raise _malformed(text) from None


def _malformed(text: str) -> HostError:
    return HostError(f"{text!r} is not a host: {ACCEPTED}")
