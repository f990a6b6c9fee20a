"""Models that are loaded just in time: on demand, one at a time and for a limited time."""

import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from lmstudio import AsyncClient, AsyncLLM, LMStudioModelNotFoundError
from model_fixtures.catalog import CatalogModel
from sdk_tests.concurrency_async import eventually, together
from sdk_tests.forced_outputs import written
from sdk_tests.model_names import EMBEDDING_KEY, EXPECTED, JIT_LLM_KEY, REQUIRED
from sdk_tests.structured_log import logged_events

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.models,
    pytest.mark.usefixtures("loaded_as_before"),
]

EVENT = "Unloading other JIT model"
HOUR = 60 * 60 * 1000  # milliseconds
SMALL: Any = {"contextLength": 512}  # tokens; loads faster than the default


@pytest.fixture
async def no_embedding_model(
    client: AsyncClient, loaded_models: tuple[CatalogModel, ...]
) -> AsyncIterator[None]:
    """Unload the embedding model, so that it can be loaded just in time; reload it at the end."""
    (usual,) = [model for model in loaded_models if model.key == EMBEDDING_KEY]
    await client.embedding.unload(EMBEDDING_KEY)
    yield
    with suppress(LMStudioModelNotFoundError):
        await client.embedding.unload(EMBEDDING_KEY)
    await client.embedding.load_new_instance(
        EMBEDDING_KEY, config={"contextLength": usual.context_length}, ttl=None
    )


async def times_to_live(client: AsyncClient) -> dict[str, object]:
    """Return the times-to-live of the suite's loaded models in milliseconds, by identifier."""
    loaded = [
        *await client.llm.remote_call("listLoaded"),
        *await client.embedding.remote_call("listLoaded"),
    ]
    return {info["identifier"]: info["ttlMs"] for info in loaded if info["modelKey"] in EXPECTED}


async def identifiers(client: AsyncClient) -> set[str]:
    """Return the identifiers of the suite's loaded models."""
    return set(await times_to_live(client))


async def test_load_on_demand(client: AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """Asking for an unloaded model loads it as configured, and asking again returns it."""
    caplog.set_level(logging.INFO)
    progress: list[float] = []
    llm = await client.llm.model(JIT_LLM_KEY, config=SMALL, on_load_progress=progress.append)
    assert llm == AsyncLLM(JIT_LLM_KEY, client.llm)
    assert llm in await client.llm.list_loaded()
    assert await llm.get_context_length() == 512
    assert progress[:1] == [0.0]
    assert progress[-1:] == [1.0]
    assert progress == sorted(set(progress))
    assert (await llm.complete("Hi", config=written("ok"))).content == "ok"
    info = await llm.get_info()
    assert await (await client.llm.model(JIT_LLM_KEY)).get_info() == info
    assert EVENT not in caplog.text


async def test_loaded_on_demand_by_path(client: AsyncClient) -> None:
    """A model loaded by its path has the path as identifier, and its key finds that instance."""
    (path,) = [
        model.path for model in await client.llm.list_downloaded() if model.model_key == JIT_LLM_KEY
    ]
    llm = await client.llm.model(path, config=SMALL)
    assert llm.identifier == path
    assert await client.llm.model(JIT_LLM_KEY) == llm


async def test_concurrent_requests_load_once(client: AsyncClient) -> None:
    """Concurrent requests for an unloaded model load a single instance."""
    models = await together([lambda: client.llm.model(JIT_LLM_KEY, config=SMALL)] * 3)
    assert {model.identifier for model in models} == {JIT_LLM_KEY}
    assert await identifiers(client) == REQUIRED | {JIT_LLM_KEY}


@pytest.mark.usefixtures("no_embedding_model")
async def test_llm_replaces_embedding_model(
    client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Loading an LLM on demand unloads an embedding model loaded on demand, and logs advice."""
    embedding_model = await client.embedding.model(EMBEDDING_KEY)
    instance = await embedding_model.get_info()
    caplog.set_level(logging.DEBUG)
    await client.llm.model(JIT_LLM_KEY, config=SMALL)
    assert await identifiers(client) == REQUIRED - {EMBEDDING_KEY} | {JIT_LLM_KEY}
    with pytest.raises(LMStudioModelNotFoundError):
        await embedding_model.embed("Hello")
    events = logged_events(caplog, "GetOrLoadEndpoint")
    found = [(level, fields) for level, fields in events if fields["event"] == EVENT]
    assert [level for level, _ in found] == ["INFO", "DEBUG"]
    info, debug = found
    for level, fields in (info, debug):
        assert fields["model_key"] == JIT_LLM_KEY, level
        assert fields["unloaded_model_key"] == EMBEDDING_KEY, level
    assert "Turn OFF JIT models auto-evict" in info[1]["suggestion"]
    unloaded = debug[1]["unloaded_model"]
    assert (unloaded["identifier"], unloaded["path"]) == (EMBEDDING_KEY, instance.path)


@pytest.mark.usefixtures("no_embedding_model")
async def test_embedding_model_replaces_llm(
    client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Loading an embedding model on demand unloads an LLM loaded on demand, and logs it once."""
    llm = await client.llm.model(JIT_LLM_KEY, config=SMALL)
    caplog.set_level(logging.INFO)
    await client.embedding.model(EMBEDDING_KEY)
    assert await identifiers(client) == REQUIRED
    with pytest.raises(LMStudioModelNotFoundError):
        await llm.complete("Hi", config={"maxTokens": 1})
    events = [fields for _, fields in logged_events(caplog, "GetOrLoadEndpoint")]
    assert [(each["event"], each["unloaded_model_key"]) for each in events] == [
        (EVENT, JIT_LLM_KEY)
    ]


async def test_explicit_loads_stay(client: AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """Loading on demand unloads no model that was loaded explicitly, with a time-to-live or not."""
    caplog.set_level(logging.INFO)
    await client.embedding.load_new_instance(EMBEDDING_KEY, "with-ttl", ttl=600)
    await client.embedding.load_new_instance(EMBEDDING_KEY, "without-ttl", ttl=None)
    await client.llm.model(JIT_LLM_KEY, config=SMALL)
    assert await identifiers(client) == REQUIRED | {"with-ttl", "without-ttl", JIT_LLM_KEY}
    assert EVENT not in caplog.text


@pytest.mark.parametrize(("ttl", "expected"), [(900, 900_000), (None, HOUR)])
async def test_time_to_live_on_demand(client: AsyncClient, ttl: int | None, expected: int) -> None:
    """A model loaded on demand has the given time-to-live, or the host's default of an hour."""
    await client.llm.model(JIT_LLM_KEY, config=SMALL, ttl=ttl)
    assert (await times_to_live(client))[JIT_LLM_KEY] == expected


async def test_time_to_live_of_explicit_loads(client: AsyncClient) -> None:
    """An explicit load without ttl has the SDK's default of an hour, and with ttl=None no limit."""
    await client.embedding.load_new_instance(EMBEDDING_KEY, "for-an-hour")
    await client.embedding.load_new_instance(EMBEDDING_KEY, "for-ever", ttl=None)
    times = await times_to_live(client)
    assert (times["for-an-hour"], times["for-ever"]) == (HOUR, None)
    assert {times[key] for key in REQUIRED} == {None}


@pytest.mark.slow
async def test_idle_models_are_unloaded(client: AsyncClient) -> None:
    """A model that has been idle for its time-to-live is unloaded, however it was loaded."""
    embedding_model = await client.embedding.load_new_instance(EMBEDDING_KEY, "idle", ttl=1)
    llm = await client.llm.model(JIT_LLM_KEY, config=SMALL, ttl=1)

    async def only_the_required() -> bool:
        return await identifiers(client) == REQUIRED

    await eventually(only_the_required)
    with pytest.raises(LMStudioModelNotFoundError):
        await llm.get_info()
    with pytest.raises(LMStudioModelNotFoundError):
        await embedding_model.get_info()
