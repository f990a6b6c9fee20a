"""The sessions of a loaded instance, each of which runs one prediction at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio

from model_fixtures.server.engine.engine import Engine


class Session:
    """The use of an engine for one prediction.

    It ends early when llama.cpp has generated all, since a client that is slow to read the rest
    must not keep others waiting.

    Args:
        engine: what runs the prediction.
        turns: counts the engines that are free.
    """

    def __init__(self, engine: Engine, turns: anyio.Semaphore) -> None:
        self.engine = engine
        self.ended = False
        self._turns = turns
        self._started = False
        self._answering = False

    def answers(self) -> None:
        """Note that what llama.cpp works on, or is asked next, is the prediction's last request."""
        self._answering = True

    def note(self, line: str) -> None:
        """Look at a line of the worker's log."""
        if "| processing task" in line:
            self._started = True
        elif "| stop processing:" in line and self._started and self._answering:
            self.end()

    def end(self) -> None:
        """Free the engine. May be called again."""
        if not self.ended:
            self.ended = True
            self.engine.worker.listeners.discard(self.note)
            self._turns.release()


class Sessions:
    """Hands out the engines of an instance, in the order in which they are asked for.

    All engines are alike and each has a context of its own. So a prediction produces the same text
    whether it is alone or not, which llama.cpp does not promise for several predictions in one
    context: the size of a batch can change the last bits of a logit.

    Args:
        engines: at least one.
    """

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engines = engines
        self._turns = anyio.Semaphore(len(engines))
        self._last: dict[Engine, Session] = {}

    @asynccontextmanager
    async def one(self, preamble: Sequence[int] = ()) -> AsyncIterator[Session]:
        """Provide a session; wait while all engines are in use.

        Args:
            preamble: the first tokens of the prompt, if they are worth keeping.
        """
        await self._turns.acquire()
        session = Session(self._free(preamble), self._turns)
        self._last[session.engine] = session
        session.engine.worker.listeners.add(session.note)
        try:
            yield session
        finally:
            session.end()

    def _free(self, preamble: Sequence[int]) -> Engine:
        """Return a free engine, if possible one that has kept the preamble."""
        free = [
            engine
            for engine in self._engines
            if engine not in self._last or self._last[engine].ended
        ]
        for engine in free:
            if preamble and engine.llama.preamble == preamble:
                return engine
        return free[0]
