"""What clients are told about the errors that end their requests, and what the log says."""

from __future__ import annotations

import errno
import json
import logging
import os
from pathlib import Path
from typing import Any, ClassVar, cast

import anyio
import pytest
from model_fixtures.catalog import read_catalog
from model_fixtures.server.client_errors import client_error
from model_fixtures.server.engine.errors import InstanceGoneError, TooManyTokensError
from model_fixtures.server.grammars.errors import StructureError
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.rest.error_responses import answering_errors
from model_fixtures.server.serve_options import ServeOptions
from model_fixtures.server.server_state import ServerState
from model_fixtures.server.transport.websocket_session import WebsocketSession
from model_fixtures.wire_client import Credentials
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocketState

pytestmark = pytest.mark.anyio
NO_HANDLE = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
LIMIT = "Close connections, or raise the limit of open files (ulimit -n)"
EXHAUSTED = f"The server has no handle or memory left for it: {NO_HANDLE}"

ERRORS: list[tuple[Exception, dict[str, str]]] = [
    (ServerError("No", cause="why", suggestion="do"), {"cause": "why", "suggestion": "do"}),
    (StructureError("No", cause="why", suggestion="do"), {"cause": "why", "suggestion": "do"}),
    (TooManyTokensError("No", suggestion="do"), {"suggestion": "do"}),
    (InstanceGoneError("No", unloaded=True), {}),
]


@pytest.mark.parametrize(("error", "more"), ERRORS, ids=lambda value: type(value).__name__)
def test_errors_that_explain_themselves(
    error: Exception, more: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """The parts of such an error reach the client, whichever part of the server raised it."""
    assert client_error(error, "it").to_wire() == {"title": "No", "rootTitle": "No", **more}
    assert caplog.records == []


def test_no_handle_left(caplog: pytest.LogCaptureFixture) -> None:
    """Where the system has no handle left, client and log get one line each, with what to do."""
    told = client_error(NO_HANDLE, "it")
    assert (told.title, told.suggestion) == (EXHAUSTED, LIMIT)
    (record,) = caplog.records
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)


def test_unexpected_error(caplog: pytest.LogCaptureFixture) -> None:
    """The client learns nothing of an error that nobody expected; the log has its traceback."""
    error = KeyError("secret")
    assert client_error(error, "it").title == "Internal error in it; see the server's log"
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[1] is error


async def test_error_of_a_task_group() -> None:
    """An error that a task group has wrapped is told as if it had not."""
    with pytest.raises(Exception, match="TaskGroup") as caught:
        async with anyio.create_task_group():
            raise StructureError("No")
    assert client_error(caught.value, "it").title == "No"


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (TooManyTokensError("No", suggestion="Do"), 400, ("context_length_exceeded", "No. Do")),
        (NO_HANDLE, 503, ("server_overloaded", f"{EXHAUSTED}. {LIMIT}")),
        (
            KeyError("secret"),
            500,
            ("internal_error", "Internal error in it; see the server's log"),
        ),
    ],
    ids=["explained", "no handle", "unexpected"],
)
async def test_answers_over_rest(error: Exception, status: int, told: tuple[str, str]) -> None:
    """Over REST the same errors have OpenAI's shape."""

    async def fail(request: Request) -> Response:
        raise error

    scope = {"type": "http", "method": "GET", "path": "it", "headers": [], "query_string": b""}
    response = await answering_errors(fail)(Request(scope))
    code, message = told
    kind = "invalid_request_error" if status == 400 else "server_error"
    expected = {"message": message, "type": kind, "param": None, "code": code}
    assert (response.status_code, json.loads(bytes(response.body))) == (status, {"error": expected})


class Asking:
    """The websocket of a client that makes two calls, opens one channel, and waits for all."""

    scope: ClassVar = {"server": ("127.0.0.1", 1234)}
    application_state = WebSocketState.DISCONNECTED

    def __init__(self) -> None:
        messages: list[dict[str, Any]] = [
            Credentials.guest().packet(),
            {"type": "rpcCall", "endpoint": "fail", "callId": 1},
            {"type": "rpcCall", "endpoint": "failAtOnce", "callId": 3},
            {"type": "channelCreate", "endpoint": "failing", "channelId": 2},
        ]
        self._events = [{"type": "websocket.receive", "text": json.dumps(one)} for one in messages]
        self.answers: list[dict[str, Any]] = []

    async def accept(self) -> None:
        """Open it."""

    async def receive(self) -> dict[str, Any]:
        """Return what the client says next, once all that came before is done."""
        await anyio.wait_all_tasks_blocked()
        return self._events.pop(0) if self._events else {"type": "websocket.disconnect"}

    async def send_text(self, frame: str) -> None:
        """Keep an answer."""
        self.answers.append(json.loads(frame))


async def test_handlers_need_not_translate_errors(tmp_path: Path) -> None:
    """An engine's error that a handler lets through reaches the client of a call and a channel."""
    namespace = Namespace("test")

    @namespace.rpc("fail")
    async def fail(*_: object) -> None:
        raise InstanceGoneError("The model was unloaded", unloaded=True)

    @namespace.rpc("failAtOnce")
    def fail_at_once(*_: object) -> None:
        raise StructureError("No", cause="why")

    @namespace.channel("failing")
    async def failing(*_: object) -> None:
        raise StructureError("No", cause="why")

    websocket = Asking()
    state = ServerState(read_catalog(), ServeOptions(home=str(tmp_path)))
    with anyio.fail_after(30):
        await WebsocketSession(cast("Any", websocket), namespace, state).run()
    _, call, other_call, channel = websocket.answers
    title = "The model was unloaded"
    assert call == {"type": "rpcError", "callId": 1, "error": {"title": title, "rootTitle": title}}
    error = {"title": "No", "rootTitle": "No", "cause": "why"}
    assert other_call == {"type": "rpcError", "callId": 3, "error": error}
    assert channel == {"type": "channelError", "channelId": 2, "error": error}
