"""Predictions that run without an engine, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from model_fixtures.server.engine.generation import Request
from model_fixtures.server.engine.sampling import sampling_from
from model_fixtures.server.prediction.build import Prediction
from model_fixtures.server.protocol.kv_config import Settings


def prediction(fields: dict[str, Any] | None = None, *, tools: Sequence[str] = ()) -> Prediction:
    """Return a prediction with some settings and the names of tools."""
    settings = Settings(fields)
    sampling = sampling_from(settings, load_seed=None, stand_in=True)
    model = SimpleNamespace(path="publisher/model.gguf")
    sessions = SimpleNamespace(one=_session)
    instance: Any = SimpleNamespace(sessions=sessions, model=model, identifier="mine")
    return Prediction(
        instance=instance,
        settings=settings,
        request=Request(tokens=[1, 2], head=0, context=100, sampling=sampling, grammar=None),
        formatted="the prompt",
        tool_names=set(tools),
        draft_model=None,
    )


@asynccontextmanager
async def _session(_: object) -> AsyncIterator[Any]:
    """Provide a session without an engine."""
    yield SimpleNamespace(engine=None, answers=lambda: None)
