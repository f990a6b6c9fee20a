"""Failures in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from model_fixtures.server.client_errors import ExhaustedError, client_error, without_groups
from model_fixtures.server.engine.errors import (
    EngineError,
    InstanceGoneError,
    InvalidGrammarError,
    NoResultError,
    TooManyTokensError,
)
from model_fixtures.server.errors import ExplainedError
from model_fixtures.server.grammars.errors import StructureError

JSON = "application/json"
Endpoint = Callable[[Request], Awaitable[Response]]
# What llama.cpp says when it can't compute. Whatever else it refuses is the request's fault,
# although it also calls many mistakes in messages and tools server errors.
OWN_FAULTS = ("Compute error", "failed to process speculative batch")


class Failure(Struct, frozen=True):
    """An error as OpenAI's clients turn it into the exception of its status."""

    status: int
    message: str
    code: str
    parameter: str | None = None  # the place of the mistake

    def body(self) -> dict[str, Any]:
        """Return its JSON."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        parts = {"message": self.message, "type": kind, "param": self.parameter, "code": self.code}
        return {"error": parts}

    def response(self) -> JSONResponse:
        """Return it as an answer."""
        return JSONResponse(self.body(), status_code=self.status)


def failure(status: int, message: str, code: str, parameter: str | None = None) -> JSONResponse:
    """Return the answer of a failure."""
    return Failure(status, message, code, parameter).response()


def failure_of(error: Exception, path: str) -> Failure:
    """Return the failure for an error that has ended a request, and log an unexpected one.

    Args:
        error: the error.
        path: the path of the request, which the log names.
    """
    error = without_groups(error)
    told = error if isinstance(error, ExplainedError) else client_error(error, path)
    message = message_of(told)
    if isinstance(told, ExhaustedError):
        return Failure(503, message, "server_overloaded")
    if told is not error:
        return Failure(500, message, "internal_error")
    if isinstance(error, InstanceGoneError):
        return Failure(500, message, "model_gone")
    if isinstance(error, TooManyTokensError):
        return Failure(400, message, "context_length_exceeded")
    if isinstance(error, InvalidGrammarError):
        message = f"{error.title}, it can't be enforced: {error.cause}"
        return Failure(400, message, "invalid_structure")
    if isinstance(error, StructureError):
        return Failure(400, message, "invalid_structure")
    own = isinstance(error, EngineError) and error.title.startswith(OWN_FAULTS)
    if own or isinstance(error, NoResultError):
        return Failure(500, message, "model_failed")
    return Failure(400, message, "invalid_value")


def message_of(error: ExplainedError) -> str:
    """Return an error in one line that begins with the title that it has on a websocket."""
    message = error.title if error.cause is None else f"{error.title}: {error.cause}"
    return message if error.suggestion is None else f"{message}. {error.suggestion}"


def not_found(model: str) -> JSONResponse:
    """Return the answer for a model that does not exist."""
    message = f"Model {model!r} is not downloaded; GET /v1/models lists those that are"
    return failure(404, message, "model_not_found", "model")


def answering_errors(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that answers in the same shape when an error ends it."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as error:  # noqa: BLE001 (the answer would be no JSON)
            return failure_of(error, request.url.path).response()

    return answer
