"""Server-sent events: how a stream begins, ends and is given up."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest
from model_fixtures.server.engine.errors import EngineError, InstanceGoneError
from model_fixtures.server.rest.event_stream import event_stream
from starlette.responses import Response

pytestmark = pytest.mark.anyio


class Talk:
    """A stream under test, with what was sent and whether it was released."""

    def __init__(self) -> None:
        self.closed = False
        self.released = False
        self.sent: list[bytes] = []
        self.left = anyio.Event()

    async def chunks(self, *items: int | Exception) -> AsyncGenerator[dict[str, Any], None]:
        """Yield chunks; 0 waits for ever."""
        try:
            for item in items:
                if isinstance(item, Exception):
                    raise item
                if item == 0:
                    self.left.set()
                    await anyio.sleep_forever()
                yield {"number": item}
        finally:
            self.closed = True

    async def begin(self, *items: int | Exception, first: int = 1) -> Response:
        """Return the response."""
        async with AsyncExitStack() as held:
            held.callback(setattr, self, "released", True)
            return await event_stream(self.chunks(*items), held.pop_all(), first=first)

    async def receive(self) -> dict[str, str]:
        """Leave when the stream waits."""
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Note what is sent."""
        if message["type"] == "http.response.body":
            self.sent.append(message["body"])


async def test_complete() -> None:
    """All chunks are sent in order, with the mark of the end after them."""
    talk = Talk()
    response = await talk.begin(1, 2, 3)
    await response({"type": "http", "path": "/x"}, talk.receive, talk.send)
    numbers = [b'data: {"number":%d}\n\n' % number for number in (1, 2, 3)]
    assert talk.sent == [*numbers, b"data: [DONE]\n\n"]
    assert response.headers["content-type"].startswith("text/event-stream")
    assert "content-length" not in response.headers
    assert talk.closed
    assert talk.released


async def test_fewer_chunks_than_are_waited_for() -> None:
    """A stream that ends before it has started is sent whole."""
    talk = Talk()
    response = await talk.begin(1, first=4)
    await response({"type": "http", "path": "/x"}, talk.receive, talk.send)
    assert talk.sent == [b'data: {"number":1}\n\n', b"data: [DONE]\n\n"]


async def test_error_before_the_start() -> None:
    """An error before the start has no stream, so that the answer can have its status."""
    talk = Talk()
    with pytest.raises(EngineError, match="no"):
        await talk.begin(1, EngineError("no"), first=2)
    assert talk.released


async def test_error_in_the_stream() -> None:
    """An error later is the last event, without the mark of the end."""
    talk = Talk()
    response = await talk.begin(1, InstanceGoneError("It is gone", unloaded=True))
    await response({"type": "http", "path": "/x"}, talk.receive, talk.send)
    assert len(talk.sent) == 2
    assert talk.sent[1].startswith(b'data: {"error":{"message":"It is gone"')
    assert b'"code":"model_gone"' in talk.sent[1]
    assert talk.released


async def test_client_that_leaves() -> None:
    """When the client leaves, the chunks are closed and everything is released."""
    talk = Talk()
    response = await talk.begin(1, 0)
    with anyio.fail_after(5):
        await response({"type": "http", "path": "/x"}, talk.receive, talk.send)
    assert talk.sent == [b'data: {"number":1}\n\n']
    assert talk.closed
    assert talk.released
