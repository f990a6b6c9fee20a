# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/conftest.py
# Change that, then: hatch run sync:generate
"""Clients and models for the sync tests."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from lmstudio import LLM, Client, EmbeddingModel, LMStudioModelNotFoundError
from sdk_tests.model_names import EMBEDDING_KEY, LLM_KEY, PLAIN_LLM_KEY


@pytest.fixture(scope="module")
def client(lmstudio_host: str) -> Iterator[Client]:
    """Provide a client of the host, inside its block, for all tests of a file."""
    with Client(lmstudio_host) as client:
        yield client


@pytest.fixture
def own_client(lmstudio_host: str) -> Iterator[Client]:
    """Provide a client for one test that closes some of its sessions."""
    with Client(lmstudio_host) as client:
        yield client


@pytest.fixture
def llm(client: Client) -> LLM:
    """Provide a loaded LLM for tests that any LLM passes."""
    return client.llm.model(LLM_KEY)


@pytest.fixture
def plain_llm(client: Client) -> LLM:
    """Provide a loaded LLM for which a text has the same tokens alone and as a prompt."""
    return client.llm.model(PLAIN_LLM_KEY)


@pytest.fixture
def embedding_model(client: Client) -> EmbeddingModel:
    """Provide the loaded embedding model."""
    return client.embedding.model(EMBEDDING_KEY)


@pytest.fixture
def loaded_as_before(client: Client) -> Iterator[None]:
    """Unload the models that the test leaves loaded, whether it passes or fails."""
    before = {model.identifier for model in client.list_loaded_models()}
    yield
    for model in client.list_loaded_models():
        if model.identifier not in before:
            with suppress(LMStudioModelNotFoundError):  # its time-to-live has ended meanwhile
                model.unload()
