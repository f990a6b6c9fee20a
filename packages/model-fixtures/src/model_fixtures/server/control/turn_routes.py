"""`/control/turns`: a test drives a turn of a chat, and gets its events as lines of JSON."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import anyio
import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from model_fixtures.server.plugins.chat_turn import Answer, Turn, run_turn
from model_fixtures.server.plugins.registered_plugins import RegisteredPlugins
from model_fixtures.server.protocol.errors import ServerError


def turn_routes(plugins: RegisteredPlugins, answer: Answer) -> list[Route]:
    """Return the routes with which tests drive plugins; `answer` asks a model."""

    async def listed(request: Request) -> Response:
        infos = [{**plugin.info(), "ready": plugin.ready.is_set()} for plugin in plugins.all()]
        return JSONResponse({"plugins": infos})

    async def drive(request: Request) -> Response:
        try:
            turn = msgspec.json.decode(await request.body(), type=Turn)
            for identifier in turn.plugins:
                plugins.find(identifier)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except ServerError as error:
            return JSONResponse({"error": error.title}, status_code=404)
        return StreamingResponse(_events(plugins, turn, answer), media_type="application/x-ndjson")

    return [
        Route("/control/plugins", listed),
        Route("/control/turns", drive, methods=["POST"]),
    ]


async def _events(plugins: RegisteredPlugins, turn: Turn, answer: Answer) -> AsyncIterator[str]:
    """Yield the events of a turn; a client that leaves aborts it."""
    sender, receiver = anyio.create_memory_object_stream[dict[str, Any]](math.inf)

    def report(event: dict[str, Any]) -> None:
        # A plugin may still report on a turn that nobody listens to any more.
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            sender.send_nowait(event)

    async def run() -> None:
        with sender:
            await run_turn(plugins, turn, answer, report)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        with receiver:
            try:
                async for event in receiver:
                    yield json.dumps(event) + "\n"
            finally:
                tasks.cancel_scope.cancel()
