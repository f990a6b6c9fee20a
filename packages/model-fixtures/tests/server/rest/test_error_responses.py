"""Errors in OpenAI's shape."""

from __future__ import annotations

import errno

import pytest
from model_fixtures.server.engine.errors import (
    EngineError,
    InstanceGoneError,
    InvalidGrammarError,
    TooManyTokensError,
)
from model_fixtures.server.grammars.errors import StructureError
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.rest.error_responses import failure_of


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InstanceGoneError("The title", unloaded=True), 500, "model_gone"),
        (TooManyTokensError("The title", suggestion="Shorten"), 400, "context_length_exceeded"),
        (InvalidGrammarError("The title", cause="why"), 400, "invalid_structure"),
        (StructureError("The title", cause="why"), 400, "invalid_structure"),
        (EngineError("The title"), 400, "invalid_value"),
        (EngineError("Compute error."), 500, "model_failed"),
        (ServerError("The title"), 400, "invalid_value"),
        (OSError(errno.EMFILE, "none left"), 503, "server_overloaded"),
        (ValueError("secret"), 500, "internal_error"),
    ],
)
def test_errors(error: Exception, status: int, code: str) -> None:
    """Each error has its status and code; its text begins with the title as on a websocket."""
    failure = failure_of(error, "/x")
    assert (failure.status, failure.code) == (status, code)
    assert failure.body()["error"]["type"] == (
        "invalid_request_error" if status < 500 else "server_error"
    )
    if "title" in str(error):
        assert failure.message.startswith("The title")
    assert "secret" not in failure.message


def test_parts_of_a_message() -> None:
    """Cause and suggestion follow the title on one line."""
    error = ServerError("The title", cause="why", suggestion="Do this")
    assert failure_of(error, "/x").message == "The title: why. Do this"
