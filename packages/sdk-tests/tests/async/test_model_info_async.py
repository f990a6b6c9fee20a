"""Model info and load configuration: their contents, and every way to specify a loaded model."""

from collections.abc import Callable
from typing import Any

import pytest
from lmstudio import (
    AsyncClient,
    AsyncEmbeddingModel,
    AsyncLLM,
    EmbeddingLoadModelConfig,
    EmbeddingModelInstanceInfo,
    LlmInstanceInfo,
    LlmLoadModelConfig,
    LMStudioModelNotFoundError,
    LMStudioServerError,
    ModelQuery,
)
from lmstudio._sdk_models import ModelSpecifierInstanceReference, ModelSpecifierQuery
from sdk_tests.model_names import EMBEDDING_KEY, EMBEDDING_NAME, LLM_KEY, LLM_NAME, VISION_LLM_KEY

pytestmark = [pytest.mark.anyio, pytest.mark.models]

# Each form makes a specifier of a model from that model's info.
SPECIFIERS: dict[str, Callable[[LlmInstanceInfo], Any]] = {
    "identifier": lambda info: info.identifier,
    "publisher-and-name": lambda _: LLM_NAME,
    "path": lambda info: info.path,
    "query-struct": lambda info: ModelQuery(identifier=info.identifier),
    "query-dict": lambda info: {"identifier": info.identifier},
    "path-query": lambda info: {"path": info.path},
    "folder-query": lambda info: {"path": info.path.rpartition("/")[0]},
    "domain-query": lambda info: {"domain": "llm", "identifier": info.identifier},
    "vision-query": lambda info: {"vision": info.vision, "identifier": info.identifier},
    "specifier-struct": lambda info: ModelSpecifierQuery(
        query=ModelQuery(identifier=info.identifier)
    ),
    "specifier-dict": lambda info: {"type": "query", "query": {"identifier": info.identifier}},
    "reference-struct": lambda info: ModelSpecifierInstanceReference(
        instance_reference=info.instance_reference
    ),
    "reference-dict": lambda info: {
        "type": "instanceReference",
        "instanceReference": info.instance_reference,
    },
    "snake-case-dict": lambda info: {
        "type": "instanceReference",
        "instance_reference": info.instance_reference,
    },
}


async def test_llm_info(llm: AsyncLLM) -> None:
    """The info of a loaded LLM has its identifier, key, path, abilities and sizes."""
    info = await llm.get_info()
    assert isinstance(info, LlmInstanceInfo)
    assert (info.type, info.identifier, info.model_key) == ("llm", LLM_KEY, LLM_KEY)
    assert info.path.lower().startswith(LLM_NAME)
    assert (info.vision, info.format) == (False, "gguf")
    assert isinstance(info.trained_for_tool_use, bool)
    assert info.size_bytes > 0, "the info has no size of the file"
    assert info.context_length <= info.max_context_length
    assert info.instance_reference != ""


async def test_embedding_model_info(embedding_model: AsyncEmbeddingModel) -> None:
    """The info of a loaded embedding model has its identifier, key, path and sizes."""
    info = await embedding_model.get_info()
    assert isinstance(info, EmbeddingModelInstanceInfo)
    assert (info.type, info.identifier, info.model_key) == (
        "embedding",
        EMBEDDING_KEY,
        EMBEDDING_KEY,
    )
    assert info.path.startswith(EMBEDDING_NAME)
    assert info.size_bytes > 0, "the info has no size of the file"
    assert info.context_length <= info.max_context_length


@pytest.mark.parametrize("form", SPECIFIERS)
async def test_specifier(client: AsyncClient, llm: AsyncLLM, form: str) -> None:
    """Every form of specifier finds the same loaded instance."""
    expected = await client.llm.get_model_info(LLM_KEY)
    assert isinstance(expected, LlmInstanceInfo)
    assert await client.llm.get_model_info(SPECIFIERS[form](expected)) == expected


async def test_empty_query_finds_any_model(client: AsyncClient) -> None:
    """A query without conditions finds one of the loaded models."""
    info = await client.llm.get_model_info(ModelQuery())
    assert info.identifier in {model.identifier for model in await client.llm.list_loaded()}


async def test_prediction_by_specifier(client: AsyncClient) -> None:
    """A prediction through a handle with another name reports the model that it ran on."""
    result = await AsyncLLM(LLM_NAME, client.llm).complete("Hi", config={"maxTokens": 1})
    assert result.model_info.model_key == LLM_KEY


@pytest.mark.parametrize(
    "query",
    [
        {"domain": "embedding", "identifier": LLM_KEY},
        {"identifier": LLM_KEY, "path": "hugging-quants/no-such-repository"},
        {"identifier": VISION_LLM_KEY, "path": "hugging-quants/Llama-3.2-1B-Instruct-Q8_0-GGUF"},
    ],
    ids=["domain", "path", "another-model"],
)
async def test_all_conditions_must_hold(client: AsyncClient, query: dict[str, str]) -> None:
    """A query does not find a model that meets only some of its conditions."""
    with pytest.raises(LMStudioModelNotFoundError):
        await client.llm.get_model_info(query)


async def test_unknown_reference(client: AsyncClient) -> None:
    """An instance reference that the host has never issued raises a server error."""
    reference = {"type": "instanceReference", "instanceReference": "NoSuchInstanceReference1"}
    with pytest.raises(LMStudioServerError, match=r"^RPC error: "):
        await client.llm.get_model_info(reference)


async def test_sessions_do_not_find_models_of_the_other_type(client: AsyncClient) -> None:
    """A session does not find models of the other type."""
    with pytest.raises(LMStudioModelNotFoundError):
        await client.llm.get_model_info(EMBEDDING_KEY)
    with pytest.raises(LMStudioModelNotFoundError):
        await client.embedding.get_model_info(LLM_KEY)


async def test_load_config_types(llm: AsyncLLM, embedding_model: AsyncEmbeddingModel) -> None:
    """The load configuration has the class for the model's type."""
    assert isinstance(await llm.get_load_config(), LlmLoadModelConfig)
    assert isinstance(await embedding_model.get_load_config(), EmbeddingLoadModelConfig)
