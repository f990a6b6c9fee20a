# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_jit_loading_async.py
# Change that, then: hatch run sync:generate
"""Models that are loaded just in time: on demand, one at a time and for a limited time."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from lmstudio import LLM, Client, LMStudioModelNotFoundError
from model_fixtures.catalog import CatalogModel
from sdk_tests.concurrency_sync import eventually, together
from sdk_tests.forced_outputs import written
from sdk_tests.model_names import EMBEDDING_KEY, EXPECTED, JIT_LLM_KEY, REQUIRED
from sdk_tests.structured_log import logged_events

pytestmark = [
    pytest.mark.models,
    pytest.mark.usefixtures("loaded_as_before"),
]

EVENT = "Unloading other JIT model"
HOUR = 60 * 60 * 1000  # milliseconds
SMALL: Any = {"contextLength": 512}  # tokens; loads faster than the default


@pytest.fixture
def no_embedding_model(client: Client, loaded_models: tuple[CatalogModel, ...]) -> Iterator[None]:
    """Unload the embedding model, so that it can be loaded just in time; reload it at the end."""
    (usual,) = [model for model in loaded_models if model.key == EMBEDDING_KEY]
    client.embedding.unload(EMBEDDING_KEY)
    yield
    with suppress(LMStudioModelNotFoundError):
        client.embedding.unload(EMBEDDING_KEY)
    client.embedding.load_new_instance(
        EMBEDDING_KEY, config={"contextLength": usual.context_length}, ttl=None
    )


def times_to_live(client: Client) -> dict[str, object]:
    """Return the times-to-live of the suite's loaded models in milliseconds, by identifier."""
    loaded = [
        *client.llm.remote_call("listLoaded"),
        *client.embedding.remote_call("listLoaded"),
    ]
    return {info["identifier"]: info["ttlMs"] for info in loaded if info["modelKey"] in EXPECTED}


def identifiers(client: Client) -> set[str]:
    """Return the identifiers of the suite's loaded models."""
    return set(times_to_live(client))


def test_load_on_demand(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Asking for an unloaded model loads it as configured, and asking again returns it."""
    caplog.set_level(logging.INFO)
    progress: list[float] = []
    llm = client.llm.model(JIT_LLM_KEY, config=SMALL, on_load_progress=progress.append)
    assert llm == LLM(JIT_LLM_KEY, client.llm)
    assert llm in client.llm.list_loaded()
    assert llm.get_context_length() == 512
    assert progress[:1] == [0.0]
    assert progress[-1:] == [1.0]
    assert progress == sorted(set(progress))
    assert (llm.complete("Hi", config=written("ok"))).content == "ok"
    info = llm.get_info()
    assert (client.llm.model(JIT_LLM_KEY)).get_info() == info
    assert EVENT not in caplog.text


def test_loaded_on_demand_by_path(client: Client) -> None:
    """A model loaded by its path has the path as identifier, and its key finds that instance."""
    (path,) = [
        model.path for model in client.llm.list_downloaded() if model.model_key == JIT_LLM_KEY
    ]
    llm = client.llm.model(path, config=SMALL)
    assert llm.identifier == path
    assert client.llm.model(JIT_LLM_KEY) == llm


def test_concurrent_requests_load_once(client: Client) -> None:
    """Concurrent requests for an unloaded model load a single instance."""
    models = together([lambda: client.llm.model(JIT_LLM_KEY, config=SMALL)] * 3)
    assert {model.identifier for model in models} == {JIT_LLM_KEY}
    assert identifiers(client) == REQUIRED | {JIT_LLM_KEY}


@pytest.mark.usefixtures("no_embedding_model")
def test_llm_replaces_embedding_model(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Loading an LLM on demand unloads an embedding model loaded on demand, and logs advice."""
    embedding_model = client.embedding.model(EMBEDDING_KEY)
    instance = embedding_model.get_info()
    caplog.set_level(logging.DEBUG)
    client.llm.model(JIT_LLM_KEY, config=SMALL)
    assert identifiers(client) == REQUIRED - {EMBEDDING_KEY} | {JIT_LLM_KEY}
    with pytest.raises(LMStudioModelNotFoundError):
        embedding_model.embed("Hello")
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
def test_embedding_model_replaces_llm(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Loading an embedding model on demand unloads an LLM loaded on demand, and logs it once."""
    llm = client.llm.model(JIT_LLM_KEY, config=SMALL)
    caplog.set_level(logging.INFO)
    client.embedding.model(EMBEDDING_KEY)
    assert identifiers(client) == REQUIRED
    with pytest.raises(LMStudioModelNotFoundError):
        llm.complete("Hi", config={"maxTokens": 1})
    events = [fields for _, fields in logged_events(caplog, "GetOrLoadEndpoint")]
    assert [(each["event"], each["unloaded_model_key"]) for each in events] == [
        (EVENT, JIT_LLM_KEY)
    ]


def test_explicit_loads_stay(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Loading on demand unloads no model that was loaded explicitly, with a time-to-live or not."""
    caplog.set_level(logging.INFO)
    client.embedding.load_new_instance(EMBEDDING_KEY, "with-ttl", ttl=600)
    client.embedding.load_new_instance(EMBEDDING_KEY, "without-ttl", ttl=None)
    client.llm.model(JIT_LLM_KEY, config=SMALL)
    assert identifiers(client) == REQUIRED | {"with-ttl", "without-ttl", JIT_LLM_KEY}
    assert EVENT not in caplog.text


@pytest.mark.parametrize(("ttl", "expected"), [(900, 900_000), (None, HOUR)])
def test_time_to_live_on_demand(client: Client, ttl: int | None, expected: int) -> None:
    """A model loaded on demand has the given time-to-live, or the host's default of an hour."""
    client.llm.model(JIT_LLM_KEY, config=SMALL, ttl=ttl)
    assert (times_to_live(client))[JIT_LLM_KEY] == expected


def test_time_to_live_of_explicit_loads(client: Client) -> None:
    """An explicit load without ttl has the SDK's default of an hour, and with ttl=None no limit."""
    client.embedding.load_new_instance(EMBEDDING_KEY, "for-an-hour")
    client.embedding.load_new_instance(EMBEDDING_KEY, "for-ever", ttl=None)
    times = times_to_live(client)
    assert (times["for-an-hour"], times["for-ever"]) == (HOUR, None)
    assert {times[key] for key in REQUIRED} == {None}


@pytest.mark.slow
def test_idle_models_are_unloaded(client: Client) -> None:
    """A model that has been idle for its time-to-live is unloaded, however it was loaded."""
    embedding_model = client.embedding.load_new_instance(EMBEDDING_KEY, "idle", ttl=1)
    llm = client.llm.model(JIT_LLM_KEY, config=SMALL, ttl=1)

    def only_the_required() -> bool:
        return identifiers(client) == REQUIRED

    eventually(only_the_required)
    with pytest.raises(LMStudioModelNotFoundError):
        llm.get_info()
    with pytest.raises(LMStudioModelNotFoundError):
        embedding_model.get_info()
