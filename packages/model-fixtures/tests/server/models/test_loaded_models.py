"""Loaded models and their engines; the engines here hold no model."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from model_fixtures.catalog import CatalogModel, read_catalog
from model_fixtures.server.engine.engine import Engine
from model_fixtures.server.engine.errors import InstanceGoneError
from model_fixtures.server.models.downloaded_models import Library
from model_fixtures.server.models.loaded_models import Registry
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import Settings

from .fake_engine import Starter

pytestmark = pytest.mark.anyio


@pytest.fixture
def starter(monkeypatch: pytest.MonkeyPatch) -> Starter:
    """Provide all engines of the test."""
    return Starter(monkeypatch)


@pytest.fixture
async def registry(starter: Starter, tmp_path: Path) -> AsyncIterator[Registry]:
    """Provide a registry with the suite's models."""
    async with Registry(Library(read_catalog(), tmp_path)) as opened:
        yield opened


async def a_model(registry: Registry) -> CatalogModel:
    """Return a text model."""
    return (await registry.model("smollm2-135m-instruct", "llm"))[0]


async def load(registry: Registry, **more: Any) -> Any:
    """Return a new instance of it."""
    return await registry.load(await a_model(registry), Settings(), **more)


async def test_progress_begins_before_the_weights_are_there(registry: Registry) -> None:
    """A load reports 0 at once, so that a download of weights is no silence, and 1 last."""
    shares: list[float] = []
    await load(registry, on_progress=shares.append)
    assert shares == [0.0, 1.0]


async def test_request_that_ends_while_another_instance_unloads(
    registry: Registry, starter: Starter
) -> None:
    """The time-to-live of an instance counts also if it falls idle during another's unload."""
    first, second = await load(registry, ttl=3600), await load(registry, ttl=0)
    slow, other = starter.engines
    slow.may_close = anyio.Event()
    with anyio.fail_after(5):
        with registry.using(second):
            first.ttl = 0
            with registry.using(first):
                pass
            await slow.closing.wait()
        slow.may_close.set()
        await other.closed.wait()
    assert registry.loaded() == []


async def test_unload_while_the_draft_model_loads(registry: Registry, starter: Starter) -> None:
    """An engine with a draft model that comes up after the unload is ended, too."""
    instance = await load(registry)
    starter.may_start = anyio.Event()
    async with anyio.create_task_group() as tasks:

        async def ask() -> None:
            with pytest.raises(InstanceGoneError) as caught:
                await registry.drafting(instance, await a_model(registry))
            assert caught.value.unloaded

        tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        await registry.unload(instance)
        starter.may_start.set()
    assert [engine.closed.is_set() for engine in starter.engines] == [True, True]


async def test_draft_engine_that_crashed_is_started_anew(
    registry: Registry, starter: Starter
) -> None:
    """A draft engine is kept for the next prediction, but not when its process has ended."""
    instance, draft = await load(registry), await a_model(registry)
    engine = await registry.drafting(instance, draft)
    assert await registry.drafting(instance, draft) is engine
    engine.worker.ended.set()
    assert await registry.drafting(instance, draft) is not engine
    assert len(starter.engines) == 3


async def test_an_unexpected_failure_of_a_jit_load_ends_that_load_only(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever waits gets an error of the server, the log the reason, and the server goes on."""
    start = Engine.start

    async def no_start(*_: object) -> None:
        raise ValueError("nobody thought of this")

    monkeypatch.setattr(Engine, "start", no_start)
    model = await a_model(registry)
    with pytest.raises(ServerError, match=f"Internal error while loading {model.key}"):
        await registry.get_or_load(model.key, "llm")
    assert "nobody thought of this" in caplog.text
    monkeypatch.setattr(Engine, "start", start)
    assert await registry.get_or_load(model.key, "llm") in registry.loaded()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
async def test_a_file_that_has_become_a_fifo(tmp_path: Path) -> None:
    """A model whose file is none any more fails to load; nobody waits for what a FIFO says."""
    os.mkfifo(tmp_path / "fifo.gguf")
    (known, *_) = read_catalog().find("smollm2-135m-instruct")
    model = msgspec.structs.replace(known, weights=None, file=tmp_path / "fifo.gguf")
    async with Registry(Library(read_catalog(), tmp_path)) as registry:
        with anyio.fail_after(30), pytest.raises(ServerError, match=r"fifo\.gguf is no regular"):
            await registry.load(model, Settings())
