"""Models that a request over REST names, and that can't be loaded just in time."""

from __future__ import annotations

import errno
import json
import os
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any, cast

import pytest
from model_fixtures.server.client_errors import client_error
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.rest.error_responses import answering_errors
from model_fixtures.server.rest.named_instance import hold_instance
from model_fixtures.server.server_state import ServerState
from starlette.requests import Request
from starlette.responses import Response

pytestmark = pytest.mark.anyio
NO_HANDLE = OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@pytest.mark.parametrize(
    ("error", "status", "code", "words"),
    [
        (client_error(NO_HANDLE, "loading it"), 503, "server_overloaded", "ulimit -n"),
        (ServerError("Failed to load it"), 500, "model_not_loaded", "Failed to load it"),
    ],
    ids=["no handle left", "damaged"],
)
async def test_load_that_fails(error: ServerError, status: int, code: str, words: str) -> None:
    """A server without handles is overloaded, whatever it needs them for."""

    async def fail(*_: object, **__: object) -> None:
        raise error

    jit = SimpleNamespace(get_or_load=fail)
    state = cast("ServerState", SimpleNamespace(models=SimpleNamespace(jit=jit)))

    async def answer(request: Request) -> Response:
        async with AsyncExitStack() as use:
            answered: Any = await hold_instance(state, {"model": "it"}, "llm", use)
        assert isinstance(answered, Response)
        return answered

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    response = await answering_errors(answer)(Request(scope))
    told = json.loads(bytes(response.body))["error"]
    assert (response.status_code, told["code"]) == (status, code)
    assert words in told["message"]
