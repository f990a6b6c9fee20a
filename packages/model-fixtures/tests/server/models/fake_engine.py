"""Models whose engines are fake: they start and close when the test lets them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from model_fixtures.catalog import read_catalog
from model_fixtures.server.background_tasks import BackgroundTasks
from model_fixtures.server.engine.engine import Engine
from model_fixtures.server.engine.errors import LoadFailedError
from model_fixtures.server.engine.load_config import EngineConfig
from model_fixtures.server.models import start_engine
from model_fixtures.server.models.downloaded_models import DownloadedModels
from model_fixtures.server.models.models_of_server import ModelsOfServer


class Worker:
    """The process of an engine."""

    def __init__(self) -> None:
        self.ended = anyio.Event()
        self.failure = "crashed"


class FakeEngine:
    """An engine that starts and closes when the test lets it."""

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self.worker = Worker()
        self.llama = None
        self.closing = anyio.Event()
        self.may_close = anyio.Event()
        self.may_close.set()
        self.closed = anyio.Event()

    async def close(self) -> None:
        """End the worker."""
        self.closing.set()
        await self.may_close.wait()
        self.worker.ended.set()
        self.closed.set()


class Starter:
    """Starts engines in place of `Engine.start`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Engine, "start", self.start)
        monkeypatch.setattr(start_engine, "_weights_file", lambda model: Path("model.gguf"))
        self.engines: list[FakeEngine] = []
        self.may_start = anyio.Event()
        self.may_start.set()
        self.most: int | None = None  # how many can start

    async def start(
        self, config: EngineConfig, tasks: object, on_progress: Callable[[float], None]
    ) -> FakeEngine:
        """Return a new engine."""
        await self.may_start.wait()
        if len(self.engines) == self.most:
            raise LoadFailedError("out of memory")
        self.engines.append(FakeEngine(config))
        on_progress(1.0)
        return self.engines[-1]


@asynccontextmanager
async def opened_models(folder: Path, **more: Any) -> AsyncIterator[ModelsOfServer]:
    """Provide the suite's models, and those in a models folder."""
    async with BackgroundTasks() as tasks:
        models = ModelsOfServer(DownloadedModels(read_catalog(), folder), tasks, **more)
        async with models.loaded:
            yield models
