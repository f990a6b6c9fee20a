"""Failures in OpenAI's shape."""

from __future__ import annotations

from starlette.responses import JSONResponse


def failure(status: int, message: str, code: str) -> JSONResponse:
    """An error that OpenAI's clients turn into the exception of its status."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return JSONResponse(body, status_code=status)


def not_found(model: str) -> JSONResponse:
    """No such model."""
    message = f"Model {model!r} is not downloaded; GET /v1/models lists those that are"
    return failure(404, message, "model_not_found")
