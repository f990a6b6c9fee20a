"""Tasks that several clients wait for."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator

import anyio
import pytest
from model_fixtures.server.background_tasks import BackgroundTasks
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.shared_tasks import SharedTask, SharedTasks

pytestmark = pytest.mark.anyio


class Work(SharedTask[str, int]):
    """A task that returns or raises what the test says, when the test says so."""

    def __init__(self, outcome: int | Exception = 1) -> None:
        super().__init__("counting")
        self.may_end = anyio.Event()
        self.cleaned_up = anyio.Event()
        self.may_clean_up = anyio.Event()
        self.may_clean_up.set()
        self._outcome_to_come = outcome

    async def work(self) -> int:
        """Wait for the test."""
        try:
            await self.may_end.wait()
        finally:
            with anyio.CancelScope(shield=True):
                await self.may_clean_up.wait()
            self.cleaned_up.set()
        if isinstance(self._outcome_to_come, Exception):
            raise self._outcome_to_come
        return self._outcome_to_come


@pytest.fixture
async def tasks() -> AsyncIterator[BackgroundTasks]:
    """Provide what runs the tasks; the block never hangs for long."""
    with anyio.fail_after(30):
        async with BackgroundTasks() as opened:
            yield opened


async def test_all_who_join_share_one_task(tasks: BackgroundTasks) -> None:
    """Whoever asks for the same key gets the same result; afterwards there is a new task."""
    shared = SharedTasks[str, int](tasks, awaits_end=False)
    created: list[Work] = []
    results: list[int] = []

    def create() -> Work:
        created.append(Work(len(created)))
        return created[-1]

    async def join(name: str) -> None:
        results.append(await shared.join("key", create, name))

    async with anyio.create_task_group() as clients:
        clients.start_soon(join, "one")
        clients.start_soon(join, "other")
        await anyio.wait_all_tasks_blocked()
        assert created[0].listeners == ["one", "other"]
        created[0].may_end.set()
    assert results == [0, 0]
    async with anyio.create_task_group() as clients:
        clients.start_soon(join, "later")
        await anyio.wait_all_tasks_blocked()
        created[1].may_end.set()
    assert results == [0, 0, 1]


@pytest.mark.parametrize("awaits_end", [False, True])
async def test_task_is_cancelled_when_the_last_one_leaves(
    tasks: BackgroundTasks, awaits_end: bool
) -> None:
    """The first may leave; when the last one does, the task ends, and the key is free at once."""
    shared, work = SharedTasks[str, int](tasks, awaits_end=awaits_end), Work()
    scopes = [anyio.CancelScope(), anyio.CancelScope()]
    work.may_clean_up = anyio.Event()
    left: list[str] = []

    async def join(name: str, scope: anyio.CancelScope) -> None:
        with scope:
            await shared.join("key", lambda: work, name)
        left.append(name)

    async with anyio.create_task_group() as clients:
        clients.start_soon(join, "one", scopes[0])
        clients.start_soon(join, "other", scopes[1])
        await anyio.wait_all_tasks_blocked()
        scopes[0].cancel()
        await anyio.wait_all_tasks_blocked()
        assert (left, work.listeners) == (["one"], ["other"])
        scopes[1].cancel()
        await anyio.wait_all_tasks_blocked()
        assert left == (["one"] if awaits_end else ["one", "other"])
        following = Work(2)
        following.may_end.set()
        assert await shared.join("key", lambda: following, "later") == 2
        assert not work.cleaned_up.is_set()
        work.may_clean_up.set()
    await work.ended.wait()
    assert work.cleaned_up.is_set()


async def test_error_reaches_all(tasks: BackgroundTasks) -> None:
    """An expected error is passed on as it is."""
    shared, work = SharedTasks[str, int](tasks, awaits_end=False), Work(ServerError("No"))
    work.may_end.set()
    with pytest.raises(ServerError, match=r"^No$"):
        await shared.join("key", lambda: work, "one")


async def test_unexpected_error_is_logged(
    tasks: BackgroundTasks, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected error is logged, clients learn where it happened, and the server goes on."""
    shared, work = SharedTasks[str, int](tasks, awaits_end=False), Work(KeyError("why"))
    work.may_end.set()
    with pytest.raises(ServerError, match=r"^Internal error in counting; see the server's log$"):
        await shared.join("key", lambda: work, "one")
    assert "KeyError: 'why'" in caplog.text
    following = Work()
    following.may_end.set()
    assert await shared.join("key", lambda: following, "later") == 1


async def test_no_handle_left(tasks: BackgroundTasks, caplog: pytest.LogCaptureFixture) -> None:
    """All who wait learn that the system has no handle left; the log has one line about it."""
    shared = SharedTasks[str, int](tasks, awaits_end=False)
    work = Work(OSError(errno.EMFILE, "Too many open files"))
    told: list[ServerError] = []

    async def join(name: str) -> None:
        with pytest.raises(ServerError) as caught:
            await shared.join("key", lambda: work, name)
        told.append(caught.value)

    async with anyio.create_task_group() as clients:
        clients.start_soon(join, "one")
        clients.start_soon(join, "other")
        await anyio.wait_all_tasks_blocked()
        work.may_end.set()
    for error in told:
        assert error.title.startswith("The server has no handle or memory left for counting: ")
        assert "ulimit -n" in (error.suggestion or "")
    (record,) = caplog.records
    assert record.exc_info is None
