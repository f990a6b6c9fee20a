"""The errors of a connection to a server behind a firewall: one line each, and who is to blame."""

from __future__ import annotations

from lmstudio import LMStudioWebsocketError


class BlockedByFirewallError(LMStudioWebsocketError):
    """The firewall answered 403 in place of LM Studio.

    `ray_id` is the firewall's own number of the request (None when it gave none);
    `challenged` is true when it asked for a browser challenge;
    `code` is Cloudflare's number of the reason, such as 1020 (None when it gave none).
    """

    def __init__(
        self,
        url: str,
        ray_id: str | None = None,
        *,
        challenged: bool = False,
        code: int | None = None,
    ) -> None:
        """Build the message from the URL and what the answer said."""
        self.ray_id = ray_id
        self.challenged = challenged
        self.code = code
        ray = f"ray id {ray_id}" if ray_id else "no ray id given"
        reason = f"403, error {code}, {ray}" if code else f"403, {ray}"
        if challenged:
            action = "challenged"
            advice = (
                "It wants to see a browser, which no client of an API is: "
                "have the firewall skip challenges for requests with the key."
            )
        else:
            action = "blocked"
            advice = (
                "Check that X-API-Key is sent and has the value that the firewall's rule expects."
            )
        super().__init__(f"{url}: {action} by the firewall ({reason}). {advice}")


class CertificateError(LMStudioWebsocketError):
    """The server's certificate was not accepted, or the server does not speak TLS at all."""


class ConnectionFailedError(LMStudioWebsocketError):
    """There was no answer, or none that can be read; the message says who failed, and at what."""


class UnexpectedAnswerError(LMStudioWebsocketError):
    """The server answered, but not as LM Studio does; `status` is its HTTP status."""

    def __init__(self, url: str, status: int, hint: str) -> None:
        """Build the message from the URL, the status and a hint on what to do."""
        self.status = status
        super().__init__(f"{url} answered {status}: {hint}")
