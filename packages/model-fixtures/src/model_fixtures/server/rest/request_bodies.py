"""Read the JSON body of a request, and answer it for as long as the client stays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive

from model_fixtures.server.protocol.unusable_frames import TOO_MUCH, is_too_much

from .error_responses import failure
from .request_checks import BodyError, check_body

MAX_BODY = 100 * 2**20  # bytes, as a frame of a websocket


async def answer_body(
    request: Request, answer: Callable[[dict[str, Any]], Awaitable[Response]]
) -> Response:
    """Return the answer to a body that has been checked, or the refusal of one that is unfit.

    Args:
        request: the request; its path says what the body must hold.
        answer: makes the answer; it is cancelled as soon as the client leaves.
    """
    content = bytearray()
    try:
        async for piece in request.stream():
            content += piece
            if len(content) > MAX_BODY:
                return failure(413, f"The body has more than {MAX_BODY} bytes", "too_large")
        if is_too_much(content):
            return failure(413, f"The body has {TOO_MUCH}", "too_large")
        body = msgspec.json.decode(content, type=dict[str, Any])
    except ClientDisconnect:
        return Response()  # the client has left
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return failure(400, f"The body is no JSON object: {error}", "invalid_json")
    return await _while_connected(request, _checked(request.url.path, body, answer))


async def _checked(
    path: str, body: dict[str, Any], answer: Callable[[dict[str, Any]], Awaitable[Response]]
) -> Response:
    try:
        await anyio.to_thread.run_sync(check_body, body, path)  # a body can be large
    except BodyError as error:
        return failure(400, str(error), error.code, error.parameter)
    return await answer(body)


async def _while_connected(request: Request, answer: Awaitable[Response]) -> Response:
    """Return an answer, or give it up as soon as the client leaves."""
    response = Response()  # stays if the client leaves
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(until_the_client_leaves, request.receive, tasks.cancel_scope)
        response = await answer
        tasks.cancel_scope.cancel()
    return response


async def until_the_client_leaves(receive: Receive, scope: anyio.CancelScope) -> None:
    """Cancel a scope as soon as the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
