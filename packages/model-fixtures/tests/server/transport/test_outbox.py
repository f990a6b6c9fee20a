"""Frames on their way to a client that reads slowly, or not at all."""

from __future__ import annotations

from typing import Any, cast

import anyio
import pytest
from model_fixtures.server.transport import websocket as module
from model_fixtures.server.transport.websocket import MAX_QUEUED_FRAMES, Outbox

pytestmark = pytest.mark.anyio


class Reader:
    """A client that takes every frame."""

    def __init__(self) -> None:
        self.frames: list[str] = []

    async def send_text(self, frame: str) -> None:
        """Takes a frame."""
        self.frames.append(frame)


async def test_all_who_wait_for_room_go_on() -> None:
    """Several channels of a slow client wait for room at once, and each goes on when there is."""
    outbox, reader = Outbox(), Reader()
    for number in range(MAX_QUEUED_FRAMES + 1):
        outbox.put(str(number).encode())
    with anyio.fail_after(5):
        async with anyio.create_task_group() as writing:
            async with anyio.create_task_group() as waiting:
                for _ in range(3):
                    waiting.start_soon(outbox.room)
                await anyio.wait_all_tasks_blocked()
                writing.start_soon(outbox.run, cast("Any", reader))
            writing.cancel_scope.cancel()
    assert reader.frames == [str(number) for number in range(MAX_QUEUED_FRAMES + 1)]


async def test_client_that_never_reads_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is queued for a client has a limit in bytes; beyond it the connection is given up."""
    monkeypatch.setattr(module, "MAX_QUEUED_BYTES", 1000)
    overruns: list[bool] = []
    outbox = Outbox(lambda: overruns.append(True))
    outbox.put(b"x" * 800)
    assert overruns == []
    outbox.put(b"x" * 800)
    assert overruns == [True]


async def test_frames_that_were_sent_count_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that reads gets any number of bytes."""
    monkeypatch.setattr(module, "MAX_QUEUED_BYTES", 1000)
    overruns: list[bool] = []
    outbox, reader = Outbox(lambda: overruns.append(True)), Reader()
    async with anyio.create_task_group() as writing:
        writing.start_soon(outbox.run, cast("Any", reader))
        for _ in range(3):
            outbox.put(b"x" * 800)
            await anyio.wait_all_tasks_blocked()
        writing.cancel_scope.cancel()
    assert overruns == []
    assert len(reader.frames) == 3
