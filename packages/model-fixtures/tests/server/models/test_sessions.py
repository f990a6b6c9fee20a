"""Which engine runs a prediction, and when; the engines here are fake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from model_fixtures.server.models.sessions import Session, Sessions

pytestmark = pytest.mark.anyio
PROCESSING = "slot launch_slot_: id  0 | task 5 | processing task, is_child = 0"
STOPPED = "slot      release: id  0 | task 5 | stop processing: n_tokens = 59, truncated = 0"


class Llama:
    """A client that knows what its worker has kept."""

    def __init__(self) -> None:
        self.preamble: list[int] = []


class Worker:
    """A process whose log the test writes."""

    def __init__(self) -> None:
        self.listeners: set[Callable[[str], None]] = set()

    def log(self, *lines: str) -> None:
        """Write lines to the log."""
        for line in lines:
            for listener in tuple(self.listeners):
                listener(line)


class FakeEngine:
    """An engine."""

    def __init__(self) -> None:
        self.llama = Llama()
        self.worker = Worker()


def opened(count: int) -> tuple[list[Any], Sessions]:
    """Return engines and their sessions."""
    engines: list[Any] = [FakeEngine() for _ in range(count)]
    return engines, Sessions(engines)


class Asking:
    """Predictions that note which engine they get, and end when the test lets them."""

    def __init__(self, sessions: Sessions) -> None:
        self.got: dict[str, Session] = {}
        self.may_end: dict[str, anyio.Event] = {}
        self._sessions = sessions

    async def ask(self, name: str) -> None:
        """Use a session until the test lets it end."""
        self.may_end[name] = anyio.Event()
        async with self._sessions.one() as session:
            self.got[name] = session
            await self.may_end[name].wait()


async def test_as_many_at_once_as_there_are_engines() -> None:
    """Each has an engine of its own; the next waits for whichever is free first."""
    engines, sessions = opened(2)
    asking = Asking(sessions)
    async with anyio.create_task_group() as tasks:
        for name in ("first", "second", "third", "fourth"):
            tasks.start_soon(asking.ask, name)
            await anyio.wait_all_tasks_blocked()
        assert list(asking.got) == ["first", "second"]
        assert [asking.got[name].engine for name in asking.got] == engines
        asking.may_end["second"].set()
        await anyio.wait_all_tasks_blocked()
        assert list(asking.got) == ["first", "second", "third"]
        assert asking.got["third"].engine is asking.got["second"].engine
        tasks.cancel_scope.cancel()
    async with sessions.one(), sessions.one():  # all are free again
        pass
    assert [engine.worker.listeners for engine in engines] == [set(), set()]


async def test_one_that_gives_up_waiting() -> None:
    """A prediction that is cancelled while it waits takes no turn."""
    _, sessions = opened(1)
    async with sessions.one():
        with anyio.move_on_after(0) as waiting:
            async with sessions.one():
                pass
        assert waiting.cancelled_caught
    with anyio.fail_after(5):
        async with sessions.one():
            pass


async def test_slow_reader_keeps_nobody_waiting() -> None:
    """The engine is free as soon as its log says that it has generated all."""
    engines, sessions = opened(1)
    asking = Asking(sessions)
    async with anyio.create_task_group() as tasks:
        for name in ("slow", "next"):
            tasks.start_soon(asking.ask, name)
            await anyio.wait_all_tasks_blocked()
        log = engines[0].worker.log
        log(STOPPED, PROCESSING, STOPPED)  # of the prediction before, and of a preamble
        await anyio.wait_all_tasks_blocked()
        assert list(asking.got) == ["slow"]
        asking.got["slow"].answers()
        log(PROCESSING, STOPPED)
        await anyio.wait_all_tasks_blocked()
        assert list(asking.got) == ["slow", "next"]
        asking.may_end["slow"].set()  # which frees nothing a second time
        tasks.start_soon(asking.ask, "third")
        await anyio.wait_all_tasks_blocked()
        assert list(asking.got) == ["slow", "next"]
        tasks.cancel_scope.cancel()


async def test_engine_that_has_kept_the_preamble() -> None:
    """Of the free engines, the one is taken that need not read the preamble again."""
    engines, sessions = opened(3)
    engines[1].llama.preamble = [1, 2]
    async with sessions.one([1, 2]) as session:
        assert session.engine is engines[1]
        async with sessions.one([1, 2]) as other:
            assert other.engine is engines[0]
    async with sessions.one([1, 3]) as session:
        assert session.engine is engines[0]
