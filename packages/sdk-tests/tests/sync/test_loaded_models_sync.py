# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_loaded_models_async.py
# Change that, then: hatch run sync:generate
"""The list of loaded models, and handles of loaded models."""

import pytest
from lmstudio import LLM, Client, EmbeddingModel, LMStudioValueError
from sdk_tests.model_names import (
    EMBEDDING_KEY,
    EMBEDDING_NAME,
    LLM_KEY,
    LLM_NAME,
    PLAIN_LLM_KEY,
    REQUIRED,
    VISION_LLM_KEY,
)

pytestmark = [pytest.mark.models]


def test_all_loaded_models(client: Client) -> None:
    """Each loaded model is listed once, as a handle of the class for its type."""
    models = client.list_loaded_models()
    identifiers = [model.identifier for model in models]
    assert set(identifiers) >= REQUIRED
    assert len(identifiers) == len(set(identifiers))
    assert {type(model) for model in models if model.identifier == EMBEDDING_KEY} == {
        EmbeddingModel
    }
    assert {type(model) for model in models if model.identifier in REQUIRED - {EMBEDDING_KEY}} == {
        LLM
    }


def test_loaded_models_by_namespace(client: Client) -> None:
    """A namespace's list is its session's list, and the whole list begins with the LLMs."""
    llms = client.list_loaded_models("llm")
    embedding_models = client.list_loaded_models("embedding")
    assert {LLM_KEY, PLAIN_LLM_KEY, VISION_LLM_KEY} <= {model.identifier for model in llms}
    assert EMBEDDING_KEY in {model.identifier for model in embedding_models}
    assert list(llms) == list(client.llm.list_loaded())
    assert list(embedding_models) == list(client.embedding.list_loaded())
    assert client.list_loaded_models() == [*llms, *embedding_models]


def test_unknown_namespace(client: Client) -> None:
    """A namespace other than llm and embedding is refused by name."""
    with pytest.raises(LMStudioValueError, match=r"^Unknown model namespace: 'files'$"):
        client.list_loaded_models("files")


def test_any_model(client: Client) -> None:
    """model() without a key returns the first of the session's loaded models."""
    assert [client.llm.model()] == (client.llm.list_loaded())[:1]
    assert [client.embedding.model()] == (client.embedding.list_loaded())[:1]


@pytest.mark.parametrize(
    ("name", "identifier"),
    [(LLM_KEY, LLM_KEY), (LLM_NAME, LLM_KEY)],
    ids=["key", "publisher-and-name"],
)
def test_loaded_llm_by_name(client: Client, name: str, identifier: str) -> None:
    """Asking for a loaded LLM by its key, or by publisher and name, returns its instance."""
    assert (client.llm.model(name)).identifier == identifier


@pytest.mark.parametrize("name", [EMBEDDING_KEY, EMBEDDING_NAME], ids=["key", "publisher-and-name"])
def test_loaded_embedding_model_by_name(client: Client, name: str) -> None:
    """Asking for a loaded embedding model by key, or publisher and name, returns its instance."""
    assert (client.embedding.model(name)).identifier == EMBEDDING_KEY


def test_loaded_model_by_path(client: Client) -> None:
    """Asking for a loaded model by its whole path returns its instance."""
    path = (client.llm.get_model_info(LLM_KEY)).path
    assert (client.llm.model(path)).identifier == LLM_KEY


def test_loaded_model_keeps_its_config(client: Client) -> None:
    """Asking for a loaded model with another config returns it unchanged and reports progress 1."""
    progress: list[float] = []
    before = client.embedding.get_model_info(EMBEDDING_KEY)
    model = client.embedding.model(
        EMBEDDING_KEY, config={"contextLength": 77}, ttl=1, on_load_progress=progress.append
    )
    assert model.get_info() == before
    assert progress == [1.0]


def test_model_of_a_listing(client: Client) -> None:
    """model() of a listed download returns the loaded instance."""
    for listed in client.list_downloaded_models():
        if listed.model_key in REQUIRED:
            assert (listed.model()).identifier == listed.model_key


def test_handles_are_equal(client: Client) -> None:
    """Handles with the same session and identifier are equal, wherever they come from."""
    got = client.llm.model(LLM_KEY)
    made = LLM(LLM_KEY, client.llm)
    assert got == made
    assert made in client.llm.list_loaded()
    assert repr(got) == f"{LLM.__name__}(identifier='{LLM_KEY}')"


def test_handles_of_two_clients(client: Client, lmstudio_host: str) -> None:
    """Handles of two clients refer to the same instance but are not equal."""
    with Client(lmstudio_host) as other_client:
        ours, theirs = client.llm.model(LLM_KEY), other_client.llm.model(LLM_KEY)
        assert ours != theirs
        assert ours.get_info() == theirs.get_info()
