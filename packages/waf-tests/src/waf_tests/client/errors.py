"""What goes wrong between a client and a server behind a firewall, in one line each."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx
from httpx_ws import WebSocketUpgradeError
from lmstudio import LMStudioWebsocketError

_FORBIDDEN = 403
_SERVER_ERRORS = 500
# What Cloudflare answers on its own when the origin does not.
_ORIGIN_DOWN = frozenset({502, 503, 504, 520, 521, 522, 523, 524, 530})


class BlockedByFirewallError(LMStudioWebsocketError):
    """The firewall answered 403 in place of LM Studio.

    `ray_id` is the firewall's own number of the request (None when it gave none);
    `challenged` is true when it asked for a browser challenge.
    """

    def __init__(self, url: str, ray_id: str | None = None, *, challenged: bool = False) -> None:
        """Build the message from the URL and what the answer said."""
        self.ray_id = ray_id
        self.challenged = challenged
        ray = f"ray id {ray_id}" if ray_id else "no ray id given"
        action = "challenged" if challenged else "blocked"
        super().__init__(
            f"{url}: {action} by the firewall (403, {ray}). "
            "Check that X-API-Key is sent and has the value that the firewall's rule expects."
        )


class CertificateError(LMStudioWebsocketError):
    """The server's certificate was not accepted, or the server does not speak TLS at all."""


class UnexpectedAnswerError(LMStudioWebsocketError):
    """The server answered, but not as LM Studio does; `status` is its HTTP status."""

    def __init__(self, url: str, status: int, hint: str) -> None:
        """Build the message from the URL, the status and a hint on what to do."""
        self.status = status
        super().__init__(f"{url} answered {status}: {hint}")


def ray_id(response: httpx.Response) -> str | None:
    """Return the firewall's number of the request, if it gave one."""
    return response.headers.get("cf-ray") or None


def explain_answer(url: str, response: httpx.Response) -> LMStudioWebsocketError:
    """Turn an HTTP answer that is not LM Studio's into an error that says who answered."""
    status = response.status_code
    if status == _FORBIDDEN:
        challenged = response.headers.get("cf-mitigated") == "challenge"
        return BlockedByFirewallError(url, ray_id(response), challenged=challenged)
    if status in _ORIGIN_DOWN:
        hint = "the firewall let the request through, but LM Studio behind it does not answer"
    elif response.is_redirect:
        hint = "it wants to redirect; a key is never sent on to another address"
    elif status >= _SERVER_ERRORS:
        hint = "the server failed"
    else:
        hint = "this does not look like LM Studio"
    return UnexpectedAnswerError(url, status, hint)


def explain_failure(url: str, error: BaseException) -> LMStudioWebsocketError | None:
    """Turn a failed connection into an error that names the reason.

    Returns None for everything about which the SDK's own wording is right: nothing listens there.
    """
    for cause in _causes(error):
        if isinstance(cause, WebSocketUpgradeError):
            return explain_answer(url, cause.response)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CertificateError(
                f"{url}: the server's certificate was not accepted ({cause.verify_message}). "
                "For a private CA, give ca_file or set SSL_CERT_FILE."
            )
        if isinstance(cause, ssl.SSLError):
            return CertificateError(
                f"{url}: no TLS connection ({cause.reason or 'handshake failed'}). "
                "Does the server speak TLS on this port?"
            )
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what led to it, each once."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending.extend(getattr(current, "exceptions", ()))
        pending.extend((current.__cause__, current.__context__))
