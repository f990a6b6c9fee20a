"""The list of downloaded models."""

import pytest
from lmstudio import (
    AsyncClient,
    AsyncDownloadedEmbeddingModel,
    AsyncDownloadedLlm,
    EmbeddingModelInfo,
    LlmInfo,
    LMStudioValueError,
)
from sdk_tests.model_names import EMBEDDING_KEY, EMBEDDING_NAME, EXPECTED, LLM_KEY, LLM_NAME

pytestmark = [pytest.mark.anyio, pytest.mark.lmstudio]


async def test_all_expected_models_are_listed_once(client: AsyncClient) -> None:
    """All models of the suite are downloaded, and each model is listed once."""
    keys = [model.model_key for model in await client.list_downloaded_models()]
    assert set(keys) >= EXPECTED
    assert len(keys) == len(set(keys))


async def test_listing_by_namespace(client: AsyncClient) -> None:
    """A namespace's listing has the models of its type from the whole listing, in that order."""
    everything = await client.list_downloaded_models()
    llms = await client.list_downloaded_models("llm")
    embedding_models = await client.list_downloaded_models("embedding")
    assert {type(model) for model in llms} == {AsyncDownloadedLlm}
    assert {type(model) for model in embedding_models} == {AsyncDownloadedEmbeddingModel}
    assert [model for model in everything if model.type == "llm"] == llms
    assert [model for model in everything if model.type == "embedding"] == embedding_models
    assert len(everything) == len(llms) + len(embedding_models)


async def test_listing_by_session(client: AsyncClient) -> None:
    """The sessions' own methods return the same listings as the client's."""
    assert await client.system.list_downloaded_models() == await client.list_downloaded_models()
    assert await client.llm.list_downloaded() == await client.list_downloaded_models("llm")
    assert await client.embedding.list_downloaded() == await client.list_downloaded_models(
        "embedding"
    )


@pytest.mark.parametrize("namespace", ["", "LLM", "system"])
async def test_unknown_namespace(client: AsyncClient, namespace: str) -> None:
    """A namespace other than llm and embedding is refused by name."""
    with pytest.raises(LMStudioValueError, match=f"^Unknown model namespace: '{namespace}'$"):
        await client.list_downloaded_models(namespace)


async def test_llm_listing(client: AsyncClient) -> None:
    """A listed LLM has its key, its path, and an info with the same values."""
    (llm,) = [model for model in await client.llm.list_downloaded() if model.model_key == LLM_KEY]
    assert isinstance(llm.info, LlmInfo)
    assert (llm.type, llm.info.type, llm.info.model_key) == ("llm", "llm", LLM_KEY)
    assert llm.path == llm.info.path
    assert llm.path.lower().startswith(LLM_NAME)
    assert llm.info.size_bytes > 0, "the info has no size of the file"
    assert llm.info.max_context_length > 0, "the info has no longest context"
    assert repr(llm) == (
        f"{type(llm).__name__}(model_key='{LLM_KEY}', display_name={llm.info.display_name!r},"
        f" architecture={llm.info.architecture!r}, vision=False)"
    )


async def test_embedding_model_listing(client: AsyncClient) -> None:
    """A listed embedding model has its key, its path, and an info with the same values."""
    listing = await client.embedding.list_downloaded()
    (model,) = [model for model in listing if model.model_key == EMBEDDING_KEY]
    assert isinstance(model.info, EmbeddingModelInfo)
    assert (model.type, model.info.type, model.info.model_key) == (
        "embedding",
        "embedding",
        EMBEDDING_KEY,
    )
    assert model.path == model.info.path
    assert model.path.startswith(EMBEDDING_NAME)
    assert repr(model) == (
        f"{type(model).__name__}(model_key='{EMBEDDING_KEY}',"
        f" display_name={model.info.display_name!r}, architecture={model.info.architecture!r})"
    )


async def test_listings_of_two_clients(client: AsyncClient, lmstudio_host: str) -> None:
    """Two clients list the same models, but only listings of one client are equal."""
    async with AsyncClient(lmstudio_host) as other_client:
        ours = await client.list_downloaded_models()
        theirs = await other_client.list_downloaded_models()
    assert [model.info for model in ours] == [model.info for model in theirs]
    assert ours != theirs
    assert ours == await client.list_downloaded_models()
