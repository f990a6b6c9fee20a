"""Clients and models for the async tests."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from lmstudio import AsyncClient, AsyncEmbeddingModel, AsyncLLM, LMStudioModelNotFoundError
from sdk_tests.model_names import EMBEDDING_KEY, LLM_KEY, PLAIN_LLM_KEY


@pytest.fixture(scope="module")
async def client(lmstudio_host: str) -> AsyncIterator[AsyncClient]:
    """Provide a client of the host, inside its block, for all tests of a file."""
    async with AsyncClient(lmstudio_host) as client:
        yield client


@pytest.fixture
async def own_client(lmstudio_host: str) -> AsyncIterator[AsyncClient]:
    """Provide a client for one test that closes some of its sessions."""
    async with AsyncClient(lmstudio_host) as client:
        yield client


@pytest.fixture
async def llm(client: AsyncClient) -> AsyncLLM:
    """Provide a loaded LLM for tests that any LLM passes."""
    return await client.llm.model(LLM_KEY)


@pytest.fixture
async def plain_llm(client: AsyncClient) -> AsyncLLM:
    """Provide a loaded LLM for which a text has the same tokens alone and as a prompt."""
    return await client.llm.model(PLAIN_LLM_KEY)


@pytest.fixture
async def embedding_model(client: AsyncClient) -> AsyncEmbeddingModel:
    """Provide the loaded embedding model."""
    return await client.embedding.model(EMBEDDING_KEY)


@pytest.fixture
async def loaded_as_before(client: AsyncClient) -> AsyncIterator[None]:
    """Unload the models that the test leaves loaded, whether it passes or fails."""
    before = {model.identifier for model in await client.list_loaded_models()}
    yield
    for model in await client.list_loaded_models():
        if model.identifier not in before:
            with suppress(LMStudioModelNotFoundError):  # its time-to-live has ended meanwhile
                await model.unload()
