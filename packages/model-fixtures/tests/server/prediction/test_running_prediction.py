"""A prediction that runs: its statistics and its entries in the log stream, however it ends."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import pytest
from model_fixtures.server.engine.errors import EngineError, InstanceGoneError
from model_fixtures.server.engine.generation import Event, Finished, Progress, Text
from model_fixtures.server.prediction import running_prediction
from model_fixtures.server.prediction.reasoning_splitter import Piece
from model_fixtures.server.prediction.running_prediction import RunningPrediction

from ..made_predictions import prediction  # noqa: TID252 (tests are no importable package)

pytestmark = pytest.mark.anyio
END = Finished(stop_reason="eosFound", stop_string=None, predicted=2, tokens_per_second=5.0)


class Run:
    """A prediction on an engine that yields what a test says, and what the log stream tells."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *events: Event | Exception) -> None:
        async def generate(*_: object) -> AsyncGenerator[Event, None]:
            for event in events:
                if isinstance(event, Exception):
                    raise event
                yield event

        monkeypatch.setattr(running_prediction, "generate", generate)
        self.logged: list[dict[str, Any]] = []
        logs = SimpleNamespace(heard=True, publish=self.logged.append)
        state: Any = SimpleNamespace(logs=logs)
        self.prediction = RunningPrediction(state, prediction())

    async def read(self, most: int = 100) -> list[object]:
        """Return the first events."""
        found: list[object] = []
        async with aclosing(self.prediction.events()) as events:
            async for event in events:
                found.append(event)
                if len(found) == most:
                    break
        return found

    @property
    def end(self) -> str:
        """The reason for the end; it is the same in the log."""
        given, said = self.logged
        assert given["type"] == "llm.prediction.input"
        assert given["input"] == "the prompt"
        assert said["type"] == "llm.prediction.output"
        assert said["stats"] == self.prediction.statistics.to_wire()
        return self.prediction.statistics.stop_reason


async def test_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prediction that ends by itself has the engine's statistics."""
    run = Run(monkeypatch, Progress(7, 0, 7), Text("Hi", 1), Text("!", 1), END)
    waits, *events = await run.read()
    assert waits == Progress(2, 0, 0)
    assert events == [Progress(7, 0, 7), Piece("Hi", 1, "none"), Piece("!", 1, "none")]
    assert run.end == "eosFound"
    assert run.logged[-1]["output"] == "Hi!"
    stats = run.prediction.statistics
    assert (stats.prompt_tokens, stats.predicted_tokens, stats.tokens_per_second) == (7, 2, 5.0)
    assert 0 < (stats.time_to_first_token or 0) <= stats.total_time


async def test_time_counts_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prediction that waits for others before it starts does not count that time."""
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    run = Run(monkeypatch, Text("Hi", 1), END)
    now = 100.0
    await run.read()
    assert run.prediction.statistics.total_time == 0


async def test_progress_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was told while the prediction waited is not told again when it starts."""
    run = Run(monkeypatch, Progress(2, 0, 0), Progress(2, 0, 2), Text("Hi", 1), END)
    assert await run.read(most=2) == [Progress(2, 0, 0), Progress(2, 0, 2)]


async def test_reader_that_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prediction whose reader leaves counts what was generated until then."""
    run = Run(monkeypatch, Text("Hi", 1), Text("!", 1), END)
    await run.read(most=2)
    assert run.end == "userStopped"
    assert run.prediction.statistics.predicted_tokens == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (InstanceGoneError("unloaded", unloaded=True), "modelUnloaded"),
        (InstanceGoneError("crashed", unloaded=False), "failed"),
        (EngineError("no"), "failed"),
    ],
)
async def test_errors(monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str) -> None:
    """An error ends the events, and is the reason that the log tells."""
    run = Run(monkeypatch, Text("Hi", 1), error)
    with pytest.raises(type(error), match=str(error)):
        await run.read()
    assert run.end == reason


async def test_engine_that_ends_without_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that says nothing at the end has failed."""
    run = Run(monkeypatch, Text("Hi", 1))
    with pytest.raises(EngineError, match="ended without a result"):
        await run.read()
    assert run.end == "failed"
