"""Answer a request with server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import anyio
import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .error_responses import failure_of
from .request_bodies import until_the_client_leaves

EVENTS = "text/event-stream"
DONE = b"data: [DONE]\n\n"


async def event_stream(
    chunks: AsyncGenerator[dict[str, Any], None], held: AsyncExitStack, *, first: int
) -> Response:
    """Return a stream of chunks. An error before its start is raised here, as for a whole answer.

    Args:
        chunks: what to send; closed at the end.
        held: what is held until then.
        first: how many chunks to wait for before the stream starts.
    """
    async with AsyncExitStack() as holding:
        await holding.enter_async_context(held)
        holding.push_async_callback(chunks.aclose)
        begin: list[dict[str, Any]] = []
        async for chunk in chunks:
            begin.append(chunk)
            if len(begin) >= first:
                break
        return _EventStream(begin, chunks, holding.pop_all())


class _EventStream(Response):
    """Releases what it holds, whether or not anything was sent.

    The task that has started the chunks also reads the rest: their locks belong to it. That is why
    this is no StreamingResponse, which reads in another task.
    """

    def __init__(
        self,
        begin: list[dict[str, Any]],
        chunks: AsyncGenerator[dict[str, Any], None],
        held: AsyncExitStack,
    ) -> None:
        super().__init__(media_type=EVENTS)
        del self.headers["content-length"]
        self._begin = begin
        self._chunks = chunks
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(start)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(until_the_client_leaves, receive, tasks.cancel_scope)
                await self._send(scope["path"], send)
                tasks.cancel_scope.cancel()

    async def _send(self, path: str, send: Send) -> None:
        async def put(data: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": more})

        try:
            for chunk in self._begin:
                await put(_event(chunk))
            async for chunk in self._chunks:
                await put(_event(chunk))
        except Exception as error:  # noqa: BLE001 (the status has been sent already)
            # OpenAI's clients raise the error in such an event.
            await put(_event(failure_of(error, path).body()), more=False)
        else:
            await put(DONE, more=False)


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\n\n"
