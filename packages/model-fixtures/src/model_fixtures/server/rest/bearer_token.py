"""The API token over HTTP: `Authorization: Bearer sk-lm-...`."""

from __future__ import annotations

import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .error_responses import failure

# Clients find and recognise hosts by these, which reveal nothing private.
PUBLIC_PATHS = frozenset({"/lmstudio-greeting", "/lms-status"})


class TokenGuard:
    """ASGI middleware that answers 401 to every HTTP request without the token.

    Only the public paths are exempt, so that no route can forget to check. A websocket presents
    its identity in the first frame, which its session checks.

    Args:
        app: the application behind the guard.
        token: the token, None = none is needed.
    """

    def __init__(self, app: ASGIApp, *, token: str | None) -> None:
        self._app = app
        self._token = None if token is None else token.strip().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] == "websocket" or scope["path"] in PUBLIC_PATHS or self._knows(scope):
            await self._app(scope, receive, send)
            return
        refusal = failure(401, "This server requires an API token as bearer", "invalid_api_key")
        await refusal(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        if self._token is None:
            return True
        kind, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode(), self._token)
        return kind.lower() == "bearer" and same
