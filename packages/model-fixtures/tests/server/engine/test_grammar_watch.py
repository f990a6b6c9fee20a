"""What a worker's log says about the grammar of a request, however late."""

from __future__ import annotations

import anyio
import pytest
from model_fixtures.server.engine.worker_process import GrammarWatch

pytestmark = pytest.mark.anyio

BEGIN = "slot launch_slot_: id  0 | task 4 | processing task, is_child = 0"
ERROR = "llg error: Parser Error: too many items"
END = "slot      release: id  0 | task 4 | stop processing: n_tokens = 3, truncated = 0"


async def test_late_error_is_waited_for() -> None:
    """An answer that comes before its log is checked once the log has caught up."""
    watch = GrammarWatch()
    watch.note(END)  # of an earlier request
    heard: list[str] = []

    async def judge() -> None:
        await watch.settle()
        heard.append(watch.error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(judge)
        await anyio.wait_all_tasks_blocked()
        for line in (BEGIN, ERROR):
            watch.note(line)
            await anyio.wait_all_tasks_blocked()
            assert heard == []
        watch.note(END)
    assert heard == ["Parser Error: too many items"]


async def test_error_is_told_at_once() -> None:
    """An error is known before its request ends."""
    watch = GrammarWatch()
    watch.note(BEGIN)
    watch.note(ERROR)
    await watch.failed.wait()
