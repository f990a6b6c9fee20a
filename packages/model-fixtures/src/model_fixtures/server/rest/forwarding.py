"""A request on its way to llama.cpp, and the answer on its way back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Any

import httpx
import msgspec
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from model_fixtures.server.engine.errors import InstanceGoneError
from model_fixtures.server.engine.llama import LlamaServer, message_of

from .failures import failure, failure_body

EVENTS = "text/event-stream"
# What llama.cpp says when it can't compute; all else that it refuses is the request's fault,
# although it calls many a mistake in messages and tools a server error, too.
OWN_FAULTS = ("Compute error", "failed to process speculative batch")

Change = Callable[[dict[str, Any]], Awaitable[None]]


async def forward(
    llama: LlamaServer, path: str, body: bytes, use: AsyncExitStack, change: Change | None
) -> Response:
    """llama.cpp's answer; a client that leaves ends the generation.

    Args:
        llama: who answers.
        path: of the route, which llama.cpp has, too.
        body: JSON.
        use: what is held until the answer has gone out.
        change: is done to the JSON of an answer that is no failure.
    """
    async with AsyncExitStack() as held:
        await held.enter_async_context(use)
        try:
            async with llama.turn():
                llama.preamble = []
                response = await llama.ask(path, body)
            held.push_async_callback(response.aclose)
            if response.is_success and response.headers.get("content-type", "").startswith(EVENTS):
                return _Stream(llama, response, held.pop_all())
            content = b"".join([piece async for piece in llama.pieces(response)])
        except InstanceGoneError as error:
            return gone(error)
    if not response.is_success:
        return _refused(response.status_code, content)
    if change is not None:
        answer = msgspec.json.decode(content)
        await change(answer)
        content = msgspec.json.encode(answer)
    return Response(content, media_type="application/json")


def gone(error: InstanceGoneError) -> JSONResponse:
    """The model was unloaded or has crashed."""
    return failure(500, str(error), "model_gone")


def _refused(status: int, content: bytes) -> JSONResponse:
    message = message_of(content)
    if message.startswith(OWN_FAULTS):
        return failure(500, message, "model_failed")
    long = b"exceed_context_size_error" in content
    code = "context_length_exceeded" if long else "invalid_value"
    return failure(status if 400 <= status < 500 else 400, message, code)


class _Stream(StreamingResponse):
    """Events as they come; gives back what it holds, whether or not anything was sent."""

    def __init__(self, llama: LlamaServer, response: httpx.Response, held: AsyncExitStack) -> None:
        super().__init__(_events(llama, response), media_type=response.headers["content-type"])
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            await super().__call__(scope, receive, send)


async def _events(llama: LlamaServer, response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async with aclosing(llama.pieces(response)) as pieces:
            async for piece in pieces:
                yield piece
    except InstanceGoneError as error:
        # The status is out already; OpenAI's clients raise what such an event says.
        body = msgspec.json.encode(failure_body(500, str(error), "model_gone", None))
        yield b"data: " + body + b"\n\n"
