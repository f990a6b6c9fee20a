"""The list of loaded models, and handles of loaded models."""

import pytest
from lmstudio import AsyncClient, AsyncEmbeddingModel, AsyncLLM, LMStudioValueError
from sdk_tests.model_names import (
    EMBEDDING_KEY,
    EMBEDDING_NAME,
    LLM_KEY,
    LLM_NAME,
    PLAIN_LLM_KEY,
    REQUIRED,
    VISION_LLM_KEY,
)

pytestmark = [pytest.mark.anyio, pytest.mark.models]


async def test_all_loaded_models(client: AsyncClient) -> None:
    """Each loaded model is listed once, as a handle of the class for its type."""
    models = await client.list_loaded_models()
    identifiers = [model.identifier for model in models]
    assert set(identifiers) >= REQUIRED
    assert len(identifiers) == len(set(identifiers))
    assert {type(model) for model in models if model.identifier == EMBEDDING_KEY} == {
        AsyncEmbeddingModel
    }
    assert {type(model) for model in models if model.identifier in REQUIRED - {EMBEDDING_KEY}} == {
        AsyncLLM
    }


async def test_loaded_models_by_namespace(client: AsyncClient) -> None:
    """A namespace's list is its session's list, and the whole list begins with the LLMs."""
    llms = await client.list_loaded_models("llm")
    embedding_models = await client.list_loaded_models("embedding")
    assert {LLM_KEY, PLAIN_LLM_KEY, VISION_LLM_KEY} <= {model.identifier for model in llms}
    assert EMBEDDING_KEY in {model.identifier for model in embedding_models}
    assert list(llms) == list(await client.llm.list_loaded())
    assert list(embedding_models) == list(await client.embedding.list_loaded())
    assert await client.list_loaded_models() == [*llms, *embedding_models]


async def test_unknown_namespace(client: AsyncClient) -> None:
    """A namespace other than llm and embedding is refused by name."""
    with pytest.raises(LMStudioValueError, match=r"^Unknown model namespace: 'files'$"):
        await client.list_loaded_models("files")


async def test_any_model(client: AsyncClient) -> None:
    """model() without a key returns the first of the session's loaded models."""
    assert [await client.llm.model()] == (await client.llm.list_loaded())[:1]
    assert [await client.embedding.model()] == (await client.embedding.list_loaded())[:1]


@pytest.mark.parametrize(
    ("name", "identifier"),
    [(LLM_KEY, LLM_KEY), (LLM_NAME, LLM_KEY)],
    ids=["key", "publisher-and-name"],
)
async def test_loaded_llm_by_name(client: AsyncClient, name: str, identifier: str) -> None:
    """Asking for a loaded LLM by its key, or by publisher and name, returns its instance."""
    assert (await client.llm.model(name)).identifier == identifier


@pytest.mark.parametrize("name", [EMBEDDING_KEY, EMBEDDING_NAME], ids=["key", "publisher-and-name"])
async def test_loaded_embedding_model_by_name(client: AsyncClient, name: str) -> None:
    """Asking for a loaded embedding model by key, or publisher and name, returns its instance."""
    assert (await client.embedding.model(name)).identifier == EMBEDDING_KEY


async def test_loaded_model_by_path(client: AsyncClient) -> None:
    """Asking for a loaded model by its whole path returns its instance."""
    path = (await client.llm.get_model_info(LLM_KEY)).path
    assert (await client.llm.model(path)).identifier == LLM_KEY


async def test_loaded_model_keeps_its_config(client: AsyncClient) -> None:
    """Asking for a loaded model with another config returns it unchanged and reports progress 1."""
    progress: list[float] = []
    before = await client.embedding.get_model_info(EMBEDDING_KEY)
    model = await client.embedding.model(
        EMBEDDING_KEY, config={"contextLength": 77}, ttl=1, on_load_progress=progress.append
    )
    assert await model.get_info() == before
    assert progress == [1.0]


async def test_model_of_a_listing(client: AsyncClient) -> None:
    """model() of a listed download returns the loaded instance."""
    for listed in await client.list_downloaded_models():
        if listed.model_key in REQUIRED:
            assert (await listed.model()).identifier == listed.model_key


async def test_handles_are_equal(client: AsyncClient) -> None:
    """Handles with the same session and identifier are equal, wherever they come from."""
    got = await client.llm.model(LLM_KEY)
    made = AsyncLLM(LLM_KEY, client.llm)
    assert got == made
    assert made in await client.llm.list_loaded()
    assert repr(got) == f"{AsyncLLM.__name__}(identifier='{LLM_KEY}')"


async def test_handles_of_two_clients(client: AsyncClient, lmstudio_host: str) -> None:
    """Handles of two clients refer to the same instance but are not equal."""
    async with AsyncClient(lmstudio_host) as other_client:
        ours, theirs = await client.llm.model(LLM_KEY), await other_client.llm.model(LLM_KEY)
        assert ours != theirs
        assert await ours.get_info() == await theirs.get_info()
