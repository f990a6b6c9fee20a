"""Forward a request to llama.cpp, and its answer to the client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import anyio
import httpx
import msgspec
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from model_fixtures.server.engine.engine import Engine
from model_fixtures.server.engine.errors import InstanceGoneError
from model_fixtures.server.engine.llama_client import LlamaServer, message_of
from model_fixtures.server.engine.worker_process import GrammarWatch

from .error_responses import failure, failure_body

EVENTS = "text/event-stream"
EVENT = b"data: "
EVENTS_FIRST = 4  # events of a stream that are read first: its role, and tokens
# What llama.cpp says when it can't compute. Whatever else it refuses is the request's fault,
# although it also calls many mistakes in messages and tools server errors.
OWN_FAULTS = ("Compute error", "failed to process speculative batch")

Change = Callable[[dict[str, Any]], Awaitable[None]]


async def forward(
    llama: LlamaServer,
    path: str,
    body: bytes,
    use: AsyncExitStack,
    *,
    change: Change | None = None,
    grammar: GrammarWatch | None = None,
) -> Response:
    """Return llama.cpp's answer; a client that leaves ends the generation.

    Args:
        llama: the client of the model's worker.
        path: the path of the route, which is the same in llama.cpp.
        body: JSON.
        use: what is held until the answer has been sent.
        change: changes the JSON of a successful answer.
        grammar: the watch on the request's grammar, whose error becomes the answer.
    """
    async with AsyncExitStack() as held:
        await held.enter_async_context(use)
        try:
            response = await llama.ask(path, body)
            pieces = llama.pieces(response)
            held.push_async_callback(_close, pieces, response)
            if response.is_success and response.headers.get("content-type", "").startswith(EVENTS):
                begin = b"" if grammar is None else await _beginning(pieces, grammar)
                if grammar is not None and grammar.error:
                    return _unenforceable(grammar)
                return _Stream(_events(begin, pieces, grammar), held.pop_all())
            content = b"".join([piece async for piece in pieces])
        except InstanceGoneError as error:
            return gone(error)
    if grammar is not None and response.is_success:
        await grammar.settle()
    if grammar is not None and grammar.error:
        return _unenforceable(grammar)
    if not response.is_success:
        return _refused(response.status_code, content)
    if change is not None:
        answer = msgspec.json.decode(content)
        await change(answer)
        content = msgspec.json.encode(answer)
    return Response(content, media_type="application/json")


async def forward_structured(
    engine: Engine, path: str, body: bytes, use: AsyncExitStack
) -> Response:
    """Return an answer that keeps to a grammar, or a failure if llama.cpp can't enforce it.

    llama.cpp says that only in its log, and then generates without a grammar. The arguments are
    those of `forward`.
    """
    answer: Response | None = None
    async with engine.worker.grammar_lock:
        grammar = engine.worker.watch_grammar()

        async def give_up() -> None:
            await grammar.failed.wait()
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(give_up)
            answer = await forward(engine.llama, path, body, use, grammar=grammar)
            tasks.cancel_scope.cancel()
        return _unenforceable(grammar) if answer is None else answer


async def _beginning(pieces: AsyncGenerator[bytes, None], grammar: GrammarWatch) -> bytes:
    """Return the first events of a stream, by which most bad grammars are found."""
    begin = b""
    while begin.count(EVENT) < EVENTS_FIRST:
        piece = await anext(pieces, None)
        if piece is None:
            await grammar.settle()
            break
        begin += piece
    return begin


async def _close(pieces: AsyncGenerator[bytes, None], response: httpx.Response) -> None:
    with anyio.CancelScope(shield=True):
        await pieces.aclose()
        await response.aclose()


def _unenforceable(grammar: GrammarWatch) -> JSONResponse:
    message = f"The structured output can't be enforced: {grammar.error}"
    return failure(400, message, "invalid_structure")


def gone(error: InstanceGoneError) -> JSONResponse:
    """Return the answer for a model that was unloaded or has crashed."""
    return failure(500, str(error), "model_gone")


def _refused(status: int, content: bytes) -> JSONResponse:
    message = message_of(content)
    if message.startswith(OWN_FAULTS):
        return failure(500, message, "model_failed")
    long = b"exceed_context_size_error" in content
    code = "context_length_exceeded" if long else "invalid_value"
    return failure(status if 400 <= status < 500 else 400, message, code)


class _Stream(StreamingResponse):
    """A stream of events; it releases what it holds, whether or not anything was sent."""

    def __init__(self, events: AsyncIterator[bytes], held: AsyncExitStack) -> None:
        super().__init__(events, media_type=EVENTS)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            await super().__call__(scope, receive, send)


async def _events(
    begin: bytes, pieces: AsyncGenerator[bytes, None], grammar: GrammarWatch | None
) -> AsyncIterator[bytes]:
    if begin:
        yield begin
    try:
        async for piece in pieces:
            if grammar is not None and grammar.error:
                yield EVENT + bytes(_unenforceable(grammar).body) + b"\n\n"
                return
            yield piece
    except InstanceGoneError as error:
        # The status has been sent already; OpenAI's clients raise the error in such an event.
        body = msgspec.json.encode(failure_body(500, str(error), "model_gone", None))
        yield EVENT + body + b"\n\n"
