"""Names and addresses of hosts as headers and options have them, in one spelling."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

_LABELS = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?"
_AUTHORITY = re.compile(rf"(?:\[([0-9A-Fa-f:.]+)\]|({_LABELS}))(?::[0-9]{{1,5}})?")
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(.+)")


def host_of(authority: str) -> str | None:
    """Return the host in `host`, `host:port`, `[IPv6]` or `[IPv6]:port`; None for anything else.

    Names are returned in lower case and without a dot at the end, addresses in their short form.
    """
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        return None
    if match[1] is None:
        return match[2].lower().removesuffix(".")
    address = _address(match[1])
    return None if address is None else str(address)


def host_of_origin(origin: str) -> str | None:
    """Return the host of a page's origin, such as `https://host:port`; None for `null`."""
    match = _ORIGIN.fullmatch(origin)
    return None if match is None else host_of(match[1])


def host_of_option(text: str) -> str | None:
    """Return the host that a user wrote: a name, or an address with or without brackets."""
    address = _address(text)
    if address is not None:
        return str(address)
    # No port: whatever the port is, the host is the same.
    return None if re.search(r":[0-9]*$", text) else host_of(text)


def is_loopback(host: str) -> bool:
    """Return whether a host, as the functions above return it, is this machine and no other."""
    address = _address(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
