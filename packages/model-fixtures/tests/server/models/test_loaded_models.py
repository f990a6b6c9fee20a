"""Loaded models and their engines; the engines here are fake."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from model_fixtures.catalog import CatalogModel, read_catalog
from model_fixtures.server.engine.engine import Engine
from model_fixtures.server.engine.errors import InstanceGoneError
from model_fixtures.server.models.models_of_server import ModelsOfServer
from model_fixtures.server.protocol.errors import NoModelMatchingError, ServerError
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.protocol.payloads.models import ModelQuery, QuerySpecifier

from .fake_engine import Starter, opened_models

pytestmark = pytest.mark.anyio


@pytest.fixture
def starter(monkeypatch: pytest.MonkeyPatch) -> Starter:
    """Provide what starts the test's engines."""
    return Starter(monkeypatch)


@pytest.fixture
async def models(starter: Starter, tmp_path: Path) -> AsyncIterator[ModelsOfServer]:
    """Provide the suite's models."""
    async with opened_models(tmp_path) as opened:
        yield opened


async def a_model(models: ModelsOfServer) -> CatalogModel:
    """Return a text model."""
    return (await models.downloaded.find("smollm2-135m-instruct", "llm"))[0]


async def load(models: ModelsOfServer, **more: Any) -> Any:
    """Return a new instance of that model."""
    return await models.loaded.load(await a_model(models), Settings(), **more)


async def test_progress_begins_before_the_weights_are_there(models: ModelsOfServer) -> None:
    """A load reports 0 at once, so that a download of weights is no silence, and 1 last."""
    shares: list[float] = []
    await load(models, on_progress=shares.append)
    assert shares == [0.0, 1.0]


async def test_sessions_are_engines_of_one_instance(
    models: ModelsOfServer, starter: Starter
) -> None:
    """Progress is that of all together; all run the same model, and all end with one of them."""
    shares: list[float] = []
    settings = Settings({"llm.load.numParallelSessions": 4})
    model = await a_model(models)
    instance = await models.loaded.load(model, settings, on_progress=shares.append)
    assert shares == [0.0, 0.25, 0.5, 0.75, 1.0]
    engines: Sequence[Any] = instance.engines
    assert engines == starter.engines
    first, *others = [engine.config for engine in starter.engines]
    for number, config in enumerate(others, 2):
        assert config == msgspec.structs.replace(first, name=f"{first.name}, session {number}")
    starter.engines[2].worker.ended.set()
    for engine in starter.engines:
        await engine.closed.wait()
    assert models.loaded.all() == []
    query = QuerySpecifier(ModelQuery(identifier=instance.identifier))
    with pytest.raises(NoModelMatchingError) as caught:
        models.loaded.find(query, "llm")
    assert caught.value.cause == "crashed"


async def test_session_that_cannot_start(models: ModelsOfServer, starter: Starter) -> None:
    """The engines that have started are ended, and nothing stays loaded."""
    starter.most = 2
    settings = Settings({"llm.load.numParallelSessions": 3})
    with pytest.raises(ServerError, match="out of memory"):
        await models.loaded.load(await a_model(models), settings)
    assert [engine.closed.is_set() for engine in starter.engines] == [True, True]
    assert models.loaded.all() == []


async def test_embedding_models_have_one_session(models: ModelsOfServer, starter: Starter) -> None:
    """The setting is one of LLMs only."""
    model = (await models.downloaded.find("text-embedding-nomic-embed-text-v1.5", "embedding"))[0]
    await models.loaded.load(model, Settings({"llm.load.numParallelSessions": 3}))
    assert len(starter.engines) == 1


async def test_request_that_ends_while_another_instance_unloads(
    models: ModelsOfServer, starter: Starter
) -> None:
    """The time-to-live of an instance also ends if it falls idle while another one is unloaded."""
    first, second = await load(models, ttl=3600), await load(models, ttl=0)
    slow, other = starter.engines
    slow.may_close = anyio.Event()
    with anyio.fail_after(5):
        with models.loaded.using(second):
            first.ttl = 0
            with models.loaded.using(first):
                pass
            await slow.closing.wait()
        slow.may_close.set()
        await other.closed.wait()
    assert models.loaded.all() == []


async def test_unload_while_the_draft_model_loads(models: ModelsOfServer, starter: Starter) -> None:
    """An engine with a draft model that starts only after the unload is ended, too."""
    instance = await load(models)
    starter.may_start = anyio.Event()
    async with anyio.create_task_group() as tasks:

        async def ask() -> None:
            with pytest.raises(InstanceGoneError) as caught:
                await models.drafts.get(instance, await a_model(models))
            assert caught.value.unloaded

        tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        await models.loaded.unload(instance)
        starter.may_start.set()
    assert [engine.closed.is_set() for engine in starter.engines] == [True, True]


async def test_draft_engine_that_crashed_is_started_anew(
    models: ModelsOfServer, starter: Starter
) -> None:
    """A draft engine is kept for the next prediction, but not when its process has ended."""
    instance, draft = await load(models), await a_model(models)
    engine = await models.drafts.get(instance, draft)
    assert await models.drafts.get(instance, draft) is engine
    engine.worker.ended.set()
    assert await models.drafts.get(instance, draft) is not engine
    assert len(starter.engines) == 3


async def test_an_unexpected_failure_of_a_jit_load_ends_that_load_only(
    models: ModelsOfServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The client gets an error, the log has the reason, and the server goes on."""
    start = Engine.start

    async def no_start(*_: object) -> None:
        raise ValueError("nobody thought of this")

    monkeypatch.setattr(Engine, "start", no_start)
    model = await a_model(models)
    with pytest.raises(ServerError, match=f"Internal error in loading {model.key}"):
        await models.jit.get_or_load(model.key, "llm")
    assert "nobody thought of this" in caplog.text
    monkeypatch.setattr(Engine, "start", start)
    assert await models.jit.get_or_load(model.key, "llm") in models.loaded.all()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
async def test_a_file_that_has_become_a_fifo(tmp_path: Path) -> None:
    """A model whose file has become a FIFO fails to load, and nobody waits for its content."""
    os.mkfifo(tmp_path / "fifo.gguf")
    (known, *_) = read_catalog().find("smollm2-135m-instruct")
    model = msgspec.structs.replace(known, weights=None, file=tmp_path / "fifo.gguf")
    async with opened_models(tmp_path) as models:
        with anyio.fail_after(30), pytest.raises(ServerError, match=r"fifo\.gguf is no regular"):
            await models.loaded.load(model, Settings())
