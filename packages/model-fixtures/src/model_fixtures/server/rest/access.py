"""The API token over HTTP: `Authorization: Bearer sk-lm-...`."""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import JSONResponse

from model_fixtures.server.state import ServerState

from .failures import failure


def refusal(state: ServerState, request: Request) -> JSONResponse | None:
    """The answer to a request that may not enter, None if it may."""
    token = state.options.api_token
    if token is None:
        return None
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.strip().encode())
    if kind.lower() == "bearer" and same:
        return None
    return failure(401, "This server requires an API token as bearer", "invalid_api_key")
