"""Which proxy a connection goes through: the same for the HTTP probe and for every websocket.

Only connections in TLS to a host that is not this machine do. A proxy sees nothing of them but the
host's name, in a CONNECT request; of a connection without TLS it would see the key.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.request import getproxies, proxy_bypass

import httpx
from lmstudio import LMStudioValueError

from .host_endpoint import MAX_PORT, Endpoint

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Proxy:
    """A proxy and the variable that names it. Its URL, which may hold a password, is not shown."""

    url: httpx.URL = field(repr=False)
    source: str

    @property
    def netloc(self) -> str:
        """`host:port`, without user name and password."""
        host = f"[{self.url.host}]" if ":" in self.url.host else self.url.host
        return f"{host}:{self.url.port or _PORTS[self.url.scheme]}"

    def __str__(self) -> str:
        return f"the proxy {self.netloc} ({self.source})"


def choose_proxy(endpoint: Endpoint | None) -> Proxy | None:
    """Return the proxy of HTTPS_PROXY, else ALL_PROXY, unless NO_PROXY leaves the host out.

    As for every program, the system's own settings count where it has some and no variable is set.
    Raises LMStudioValueError, without a password in it, for what is no proxy that is supported.
    """
    __tracebackhide__ = True  # test reports print locals, and these may hold a password
    if endpoint is None or not endpoint.tls or endpoint.is_loopback:
        return None
    found = _named(("https", "all"), endpoint)
    return _parse(*found) if found else None


def unused_proxy(endpoint: Endpoint) -> str | None:
    """Return the variable that names a proxy for this host which is not used; None if none does."""
    __tracebackhide__ = True  # test reports print locals, and these may hold a password
    if endpoint.tls or endpoint.is_loopback:
        return None
    found = _named(("http", "all"), endpoint)
    return found[1] if found else None


def _named(kinds: tuple[str, ...], endpoint: Endpoint) -> tuple[str, str] | None:
    """Return the proxy's URL and where it is set, of the first kind that is set."""
    __tracebackhide__ = True  # test reports print locals, and these may hold a password
    proxies = getproxies()
    kind = next((each for each in kinds if proxies.get(each)), None)
    # Entries of NO_PROXY are names, some with a port; an IPv6 address has no brackets there.
    if kind is None or proxy_bypass(endpoint.netloc) or proxy_bypass(endpoint.host):
        return None
    variable = f"{kind}_proxy"
    names = (variable, variable.upper())
    source = next((name for name in names if os.environ.get(name)), "the system's settings")
    return proxies[kind], source


def _parse(text: str, source: str) -> Proxy:
    __tracebackhide__ = True  # test reports print arguments, and this may hold a password
    advice = "write http://HOST:PORT, or name the host in NO_PROXY to go without a proxy"
    try:
        url = httpx.URL(text if "://" in text else f"http://{text}")
    except (httpx.InvalidURL, ValueError):
        url = None
    if url is None or (url.port is not None and not 0 < url.port <= MAX_PORT):
        raise LMStudioValueError(f"{source}: this is no address of a proxy; {advice}")
    if url.scheme not in _PORTS:
        raise LMStudioValueError(
            f"{source}: proxies of the scheme {url.scheme!r} are not supported; {advice}"
        )
    if not url.host:
        raise LMStudioValueError(f"{source}: the proxy's name is missing; {advice}")
    return Proxy(url, source)
