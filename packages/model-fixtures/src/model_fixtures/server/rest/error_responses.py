"""Failures in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from model_fixtures.server.client_errors import client_error, is_exhaustion, without_groups

Endpoint = Callable[[Request], Awaitable[Response]]


def failure(status: int, message: str, code: str, parameter: str | None = None) -> JSONResponse:
    """Return an error that OpenAI's clients turn into the exception of its status."""
    return JSONResponse(failure_body(status, message, code, parameter), status_code=status)


def failure_body(status: int, message: str, code: str, parameter: str | None) -> dict[str, Any]:
    """Return the JSON of such an error; the parameter is the place of the mistake."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": parameter, "code": code}}


def not_found(model: str) -> JSONResponse:
    """Return the answer for a model that does not exist."""
    message = f"Model {model!r} is not downloaded; GET /v1/models lists those that are"
    return failure(404, message, "model_not_found", "model")


def answering_errors(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that answers in the same shape when an unexpected error ends it."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as error:  # noqa: BLE001 (the answer would be no JSON)
            told = client_error(error, request.url.path)
            parts = (told.title, told.cause, told.suggestion)
            message = ". ".join(part for part in parts if part is not None)
            if is_exhaustion(without_groups(error)):
                return failure(503, message, "server_overloaded")
            return failure(500, message, "internal_error")

    return answer
