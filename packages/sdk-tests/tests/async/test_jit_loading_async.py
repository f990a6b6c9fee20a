"""Models loaded just in time: on demand, one at a time, and not for ever."""

import logging

import pytest
from lmstudio import AsyncClient, AsyncEmbeddingModel, AsyncLLM, LMStudioModelNotFoundError
from sdk_tests.model_names import EMBEDDING_KEY, JIT_LLM_KEY
from sdk_tests.structured_log import logged_events
from sdk_tests.tasks_async import eventually, together

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.models,
    pytest.mark.usefixtures("loaded_as_before"),
]

SMALL = {"contextLength": 512}


async def embedding_model_on_demand(client: AsyncClient) -> AsyncEmbeddingModel:
    """Load an embedding model just in time, although one is loaded: its path is no name of it."""
    await client.embedding.unload(EMBEDDING_KEY)
    return await client.embedding.model(EMBEDDING_KEY)


async def test_load_on_demand(client: AsyncClient) -> None:
    """Asking for a model that is not loaded loads it under the name that was asked for."""
    progress: list[float] = []
    llm = await client.llm.model(JIT_LLM_KEY, config=SMALL, on_load_progress=progress.append)
    assert llm == AsyncLLM(JIT_LLM_KEY, client.llm)
    assert llm in await client.llm.list_loaded()
    assert await llm.get_context_length() == 512
    assert (progress[0], progress[-1]) == (0.0, 1.0)
    assert progress == sorted(set(progress))
    assert (await llm.complete("Hi", config={"maxTokens": 1})).stats.predicted_tokens_count == 1
