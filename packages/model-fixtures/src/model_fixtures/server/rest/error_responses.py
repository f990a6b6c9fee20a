"""Failures in OpenAI's shape."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse


def failure(status: int, message: str, code: str, parameter: str | None = None) -> JSONResponse:
    """Return an error that OpenAI's clients turn into the exception of its status."""
    return JSONResponse(failure_body(status, message, code, parameter), status_code=status)


def failure_body(status: int, message: str, code: str, parameter: str | None) -> dict[str, Any]:
    """Return the JSON of such an error; the parameter is where in the request the mistake is."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": parameter, "code": code}}


def not_found(model: str) -> JSONResponse:
    """No such model."""
    message = f"Model {model!r} is not downloaded; GET /v1/models lists those that are"
    return failure(404, message, "model_not_found", "model")
