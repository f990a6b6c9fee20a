"""The convenience API on a host: module functions that use the default client."""

import lmstudio
import pytest
from lmstudio import LMStudioClientError, LMStudioModelNotFoundError, LMStudioValueError, sync_api
from sdk_tests.forced_outputs import written
from sdk_tests.model_names import (
    DIMENSIONS,
    EMBEDDING_KEY,
    EMBEDDING_NAME,
    EXPECTED,
    JIT_LLM_KEY,
    LLM_KEY,
    LLM_NAME,
    REQUIRED,
    UNKNOWN,
)
from sdk_tests.vector_math import vector

pytestmark = pytest.mark.lmstudio


@pytest.fixture(autouse=True)
def _configured_default_client(lmstudio_host: str, no_default_client: None) -> None:
    """Configure the default client, which the test creates, to connect to the host."""
    lmstudio.configure_default_client(lmstudio_host)


def default_client() -> lmstudio.Client | None:
    """Return the default client, or None if there is none."""
    return sync_api._default_client


def test_default_client_is_made_on_demand(lmstudio_host: str) -> None:
    """The first use creates the default client, and later uses share it."""
    assert default_client() is None
    lmstudio.list_downloaded_models()
    client = default_client()
    assert isinstance(client, lmstudio.Client)
    assert client.api_host == lmstudio_host
    lmstudio.list_downloaded_models("llm")
    assert lmstudio.get_default_client() is client


def test_used_default_client_cannot_be_configured(lmstudio_host: str) -> None:
    """The host cannot be configured after the default client's first request."""
    lmstudio.list_downloaded_models()
    with pytest.raises(LMStudioClientError, match=r"^Default client is already created"):
        lmstudio.configure_default_client(lmstudio_host)


def test_default_client_can_be_replaced(lmstudio_host: str) -> None:
    """A reset closes the default client, and the next use creates a new one."""
    old = lmstudio.get_default_client()
    old.list_downloaded_models()
    system = old.system
    sync_api._reset_default_client()
    assert not system.connected
    assert lmstudio.get_default_client(lmstudio_host) is not old
    assert lmstudio.list_downloaded_models(), "the new default client lists no models"


def test_downloaded_models() -> None:
    """list_downloaded_models() returns the default client's list, with and without a namespace."""
    client = lmstudio.get_default_client()
    everything = lmstudio.list_downloaded_models()
    assert {model.model_key for model in everything} >= EXPECTED
    assert everything == client.list_downloaded_models()
    for namespace in ("llm", "embedding"):
        assert lmstudio.list_downloaded_models(namespace) == [
            model for model in everything if model.type == namespace
        ]


def test_unknown_namespace() -> None:
    """The module functions refuse an unknown namespace like the client's methods."""
    for function in (lmstudio.list_downloaded_models, lmstudio.list_loaded_models):
        with pytest.raises(LMStudioValueError, match=r"^Unknown model namespace: 'files'$"):
            function("files")


@pytest.mark.models
def test_loaded_models() -> None:
    """list_loaded_models() returns the default client's list, with and without a namespace."""
    everything = lmstudio.list_loaded_models()
    assert {model.identifier for model in everything} >= REQUIRED
    assert everything == lmstudio.get_default_client().list_loaded_models()
    assert [
        *lmstudio.list_loaded_models("llm"),
        *lmstudio.list_loaded_models("embedding"),
    ] == everything


@pytest.mark.models
@pytest.mark.parametrize("name", [LLM_KEY, LLM_NAME], ids=["key", "publisher-and-name"])
def test_loaded_llm(name: str) -> None:
    """llm() with the name of a loaded model returns a handle that works."""
    model = lmstudio.llm(name)
    assert model == lmstudio.LLM(LLM_KEY, lmstudio.get_default_client().llm)
    assert model.complete("Hi", config=written("ok")).content == "ok"


@pytest.mark.models
@pytest.mark.parametrize("name", [EMBEDDING_KEY, EMBEDDING_NAME], ids=["key", "publisher-and-name"])
def test_loaded_embedding_model(name: str) -> None:
    """embedding_model() with the name of a loaded model returns a handle that works."""
    model = lmstudio.embedding_model(name)
    session = lmstudio.get_default_client().embedding
    assert model == lmstudio.EmbeddingModel(EMBEDDING_KEY, session)
    assert len(vector(model.embed("Hello"))) == DIMENSIONS


@pytest.mark.models
def test_any_model() -> None:
    """llm() and embedding_model() without a name return one of the loaded models."""
    assert lmstudio.llm() in lmstudio.list_loaded_models("llm")
    assert lmstudio.embedding_model() in lmstudio.list_loaded_models("embedding")


@pytest.mark.models
def test_load_on_demand() -> None:
    """llm() loads an unloaded model with the given configuration, and the handle unloads it."""
    model = lmstudio.llm(JIT_LLM_KEY, ttl=600, config={"contextLength": 512})
    try:
        assert model.identifier == JIT_LLM_KEY
        assert model.get_context_length() == 512
    finally:
        model.unload()
    assert model not in lmstudio.list_loaded_models()


def test_unknown_models() -> None:
    """llm() and embedding_model() raise an error that names an unknown model."""
    for function in (lmstudio.llm, lmstudio.embedding_model):
        with pytest.raises(lmstudio.LMStudioServerError, match=f"(?s)^Model get/load .*{UNKNOWN}"):
            function(UNKNOWN)


def test_handles_of_unloaded_models() -> None:
    """A handle of the default client raises an error when its model is not loaded."""
    handle = lmstudio.LLM(UNKNOWN, lmstudio.get_default_client().llm)
    with pytest.raises(LMStudioModelNotFoundError):
        handle.complete("Hello")
