"""Where a client connects to, read from the text that the user gave."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from lmstudio import LMStudioValueError

from .setting_names_in_errors import PARAMETERS

HTTPS_PORT = 443
HTTP_PORT = 80
MAX_PORT = 65535

_TLS_SCHEMES = {"https": True, "wss": True, "http": False, "ws": False}
_SCHEME = re.compile(r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)$", re.DOTALL)
_HOST_NAME = re.compile(r"^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$")


@dataclass(frozen=True)
class Endpoint:
    """One server: `host` without brackets, `port`, and whether the connection is encrypted."""

    host: str
    port: int
    tls: bool

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine: `localhost` or a loopback address, as it is written.

        Nothing is resolved: what a name stands for may be different by the time it is used.
        """
        if self.host == "localhost":
            return True
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_loopback

    @property
    def netloc(self) -> str:
        """`host:port`, an IPv6 literal in brackets: the SDK's own `api_host` form."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def http_url(self, path: str) -> str:
        """Return the `http://` or `https://` URL of `path`, which starts with a slash."""
        return f"{'https' if self.tls else 'http'}://{self.netloc}{path}"

    def websocket_url(self, path: str) -> str:
        """Return the `ws://` or `wss://` URL of `path`, which starts with a slash."""
        return f"{'wss' if self.tls else 'ws'}://{self.netloc}{path}"


def parse_endpoint(api_host: str, named: str = PARAMETERS.api_host) -> Endpoint:
    """Read `host`, `host:port`, `[v6]:port`, each with or without a scheme.

    TLS is chosen by `https://`, `wss://` or the port 443; by nothing else, so 4430 is plain.
    The port 443 means TLS even after `http://`: a key must not go to a TLS port in clear.
    Raises LMStudioValueError with one line that says what to write instead. It begins with `named`,
    which is what the user calls the text.
    """
    try:
        return _parse(api_host)
    except LMStudioValueError as error:
        raise LMStudioValueError(f"{named}: {error}") from None


def _parse(api_host: str) -> Endpoint:
    match = _SCHEME.match(api_host)
    scheme = match["scheme"].lower() if match else "http"
    rest = match["rest"] if match else api_host
    if scheme not in _TLS_SCHEMES:
        raise LMStudioValueError(
            f"the scheme {scheme!r} is not known; use https, wss, http, ws or none"
        )
    host, port = _split_netloc(rest, api_host)
    tls = _TLS_SCHEMES[scheme]
    if port is None:
        port = HTTPS_PORT if tls else HTTP_PORT
    return Endpoint(host, port, tls or port == HTTPS_PORT)


def _split_netloc(rest: str, api_host: str) -> tuple[str, int | None]:
    """Split `host:port` and refuse everything else that a URL may hold."""
    if any(char.isspace() or not char.isprintable() for char in rest):
        raise LMStudioValueError("blanks and control characters are not allowed")
    # Not repeated in the message: what stands before an @ is likely a password.
    if "@" in rest:
        raise LMStudioValueError(
            "user names and passwords are not supported; write host:port alone"
        )
    if rest.count(":") > 1 and not rest.startswith("["):
        raise LMStudioValueError(
            "write an IPv6 address in brackets, as in [::1]:1234; for a name, write host:port"
        )
    try:
        parts = urlsplit(f"//{rest}")
        port = parts.port
    except ValueError:
        raise LMStudioValueError(
            f"the port must be a number from 1 to {MAX_PORT}, and an IPv6 address must be complete"
        ) from None
    if parts.path not in ("", "/") or "?" in rest or "#" in rest:
        raise LMStudioValueError(f"only host and port, without a path, not {api_host!r}")
    host = parts.hostname or ""
    if rest.startswith("["):
        _check_ipv6(host)
    elif not _HOST_NAME.match(host):
        raise LMStudioValueError(
            "not a host name; use letters, digits, '.', '-' and '_' "
            "(international names in their xn-- form)"
        )
    if port == 0 or rest.rstrip("/").endswith(":"):
        raise LMStudioValueError(f"the port must be a number from 1 to {MAX_PORT}")
    return host, port


def _check_ipv6(host: str) -> None:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        raise LMStudioValueError("not an IPv6 address between the brackets") from None
    if "%" in host:
        raise LMStudioValueError("IPv6 zone ids are not supported")
