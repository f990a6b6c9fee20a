"""Host names as users write them."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from model_fixtures.hosts.errors import HostError

DEFAULT_PORT = 1234
ACCEPTED = "write host, host:port, [IPv6] or [IPv6]:port"
_NAME = re.compile(r"[\w.-]+")
_PORT = re.compile(r"[0-9]{1,5}")


def parse_address(text: str) -> str:
    """Turn what a user wrote into `host:port`.

    Accepted are `host`, `host:port`, an IPv6 literal, `[IPv6]` and `[IPv6]:port`; the port is
    1234 when not given, IPv6 comes back in brackets.

    Raises:
        HostError: anything else; one line.
    """
    text = text.strip()
    if not text:
        msg = f"the host is empty: {ACCEPTED}"
        raise HostError(msg)
    if "@" in text:
        # What stands before the @ may be a password.
        msg = f"a host takes no user name or password: {ACCEPTED}"
        raise HostError(msg)
    if "://" in text:
        scheme = text[: text.index("://") + len("://")]
        msg = f"{text!r} is a URL: leave out {scheme!r} and {ACCEPTED}"
        raise HostError(msg)
    host, port = _split(text)
    if not 1 <= port <= 65535:
        msg = f"{text!r} has port {port}: ports go from 1 to 65535"
        raise HostError(msg)
    return f"{host}:{port}"


def split_address(address: str) -> tuple[str, int]:
    """Return the host (IPv6 without brackets) and port of a parsed address."""
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
        return host, DEFAULT_PORT
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
