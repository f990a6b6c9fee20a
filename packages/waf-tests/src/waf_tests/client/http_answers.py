"""What an HTTP answer that is not LM Studio's means, in one line that says what to do."""

from __future__ import annotations

import json
import re

import httpx
from lmstudio import LMStudioWebsocketError
from wsproto.utilities import generate_accept_token

from .errors import BlockedByFirewallError, UnexpectedAnswerError

_SWITCHING = 101
_BAD_REQUEST = 400
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_TOO_MANY = 429
_TUNNEL = 530
_SERVER_ERRORS = 500

ACCESS_ID_HEADER = "CF-Access-Client-Id"
ACCESS_SECRET_HEADER = "CF-Access-Client-Secret"  # noqa: S105 - the name of a header

_PASSED = "the firewall let the request through, but"
# What is said about the way from the firewall to the host. 520 to 526 and 530 are Cloudflare's own.
_BEHIND = {
    502: f"{_PASSED} LM Studio behind it does not answer",
    503: f"{_PASSED} LM Studio behind it does not answer, or is overloaded",
    504: f"{_PASSED} LM Studio behind it does not answer in time",
    520: f"{_PASSED} the host behind it gave an answer that is no HTTP; does LM Studio listen "
    "on the port that the firewall asks?",
    521: f"{_PASSED} the host behind it refuses connections; is LM Studio's server running?",
    522: f"{_PASSED} the host behind it accepts no connection in time; "
    "does its own firewall let Cloudflare in?",
    523: f"{_PASSED} Cloudflare finds no way to the host behind it; check its address in the DNS",
    524: f"{_PASSED} the host behind it takes too long to answer",
    525: f"{_PASSED} the TLS handshake of Cloudflare with the host behind it fails; "
    "check that host's TLS",
    526: f"{_PASSED} Cloudflare does not accept the certificate of the host behind it; renew it",
    _TUNNEL: f"{_PASSED} Cloudflare does not get to the host behind it",
}
# What Cloudflare says in the body of a 530, by its own number.
_TUNNEL_REASONS = {
    1016: "its name is not known; check the DNS record of the origin",
    1033: "its tunnel is not connected; is cloudflared running there?",
}
_ACCESS_HINT = (
    f"give a service token in the headers {ACCESS_ID_HEADER} and {ACCESS_SECRET_HEADER} "
    "(check takes them from LMSTUDIO_CF_ACCESS_CLIENT_ID and LMSTUDIO_CF_ACCESS_CLIENT_SECRET)"
)
# The embedded server's own refusal, by the code in its answer.
_UNKNOWN_HOST = "unknown_host"
_UNKNOWN_HOST_HINT = (
    "it is the embedded server that refuses the host name, not a firewall that refuses the key; "
    "start it with --allow-host NAME (its log says which name it was asked for)"
)
# "error code: 1020" for programs, a page with "Error 1020" for browsers.
_ERROR_CODE = re.compile(r"\berror(?: code:|</span>\s*<span[^>]*>)?\s*(1\d{3})\b", re.IGNORECASE)
_BODY_LOOKED_AT = 1 << 16
_SHOWN_HOST = re.compile(r"^[A-Za-z0-9.:_\[\]-]{1,100}\Z")
_RAY_ID = re.compile(r"^[A-Za-z0-9-]{1,64}\Z")


def ray_id(response: httpx.Response) -> str | None:
    """Return the firewall's number of the request, if it gave one."""
    found = response.headers.get("cf-ray", "")
    return found if _RAY_ID.match(found) else None


def explain_answer(url: str, response: httpx.Response) -> LMStudioWebsocketError:
    """Turn an HTTP answer that is not LM Studio's into an error that says who answered."""
    status = response.status_code
    if status == _FORBIDDEN and _names_no_host(response):
        return UnexpectedAnswerError(url, status, _UNKNOWN_HOST_HINT)
    if status == _FORBIDDEN:
        challenged = response.headers.get("cf-mitigated") == "challenge"
        return BlockedByFirewallError(
            url, ray_id(response), challenged=challenged, code=_error_code(response)
        )
    return UnexpectedAnswerError(url, status, _hint(url, response))


def check_upgrade(response: httpx.Response) -> None:
    """Raise UnexpectedAnswerError for a 101 that does not answer this client's own handshake.

    The SDK's websocket library does not look: a cache or a careless proxy would go unnoticed.
    """
    if response.status_code != _SWITCHING:
        return
    key = response.request.headers.get("sec-websocket-key", "")
    accepted = generate_accept_token(key.encode("ascii")).decode("ascii")
    if response.headers.get("sec-websocket-accept") != accepted:
        hint = (
            "its Sec-WebSocket-Accept does not belong to this handshake; "
            "something in between answers that does not understand websockets"
        )
        raise UnexpectedAnswerError(str(response.request.url), _SWITCHING, hint)


def _hint(url: str, response: httpx.Response) -> str:
    status = response.status_code
    if response.is_redirect:
        return _redirect(response)
    if status == _UNAUTHORIZED:
        login = "something before LM Studio wants a login"
        return f"{login}; if it is Cloudflare Access, {_ACCESS_HINT}"
    if status == _TOO_MANY:
        seconds = response.headers.get("retry-after", "")
        wait = f"{seconds} seconds" if seconds.isascii() and seconds.isdigit() else "a while"
        return f"too many requests; wait {wait}, or raise the firewall's rate limit"
    if status == _TUNNEL:
        reason = _TUNNEL_REASONS.get(_error_code(response) or 0)
        return f"{_BEHIND[status]}{f': {reason}' if reason else ''}"
    if status in _BEHIND:
        return _BEHIND[status]
    if status >= _SERVER_ERRORS:
        return "the server failed"
    if status == _BAD_REQUEST and url.startswith(("http:", "ws:")) and "HTTPS" in _body(response):
        return "this port speaks TLS: write https:// before the host"
    return "this does not look like LM Studio"


def _redirect(response: httpx.Response) -> str:
    never = "a key is never sent on to another address"
    try:
        target = httpx.URL(response.headers.get("location", ""))
        host = target.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError):
        return f"it wants to redirect; {never}"
    if host.endswith(".cloudflareaccess.com") or target.path.startswith("/cdn-cgi/access/"):
        if ACCESS_ID_HEADER in _sent(response):
            return "Cloudflare Access wants a login: it does not accept the service token"
        return f"Cloudflare Access wants a login: {_ACCESS_HINT}"
    if target.scheme in ("http", "https") and _SHOWN_HOST.match(host):
        port = f":{target.port}" if target.port else ""
        return f"it wants to redirect to {target.scheme}://{host}{port}; {never}"
    return f"it wants to redirect; {never}"


def _sent(response: httpx.Response) -> httpx.Headers:
    try:
        return response.request.headers
    except RuntimeError:  # httpx: no request is known
        return httpx.Headers()


def _error_code(response: httpx.Response) -> int | None:
    """Return the number that Cloudflare writes into the body of its own answers."""
    found = _ERROR_CODE.search(_body(response))
    return int(found[1]) if found else None


def _names_no_host(response: httpx.Response) -> bool:
    """Tell whether the embedded server says that it does not go by the name in `Host`."""
    try:
        answer = json.loads(_body(response))
    except (ValueError, RecursionError):
        return False
    error = answer.get("error") if isinstance(answer, dict) else None
    return isinstance(error, dict) and error.get("code") == _UNKNOWN_HOST


def _body(response: httpx.Response) -> str:
    """Return the beginning of the body; nothing of one that has not been read."""
    try:
        return response.content[:_BODY_LOOKED_AT].decode("utf-8", "replace")
    except httpx.StreamError:  # of a refused websocket handshake
        return ""
