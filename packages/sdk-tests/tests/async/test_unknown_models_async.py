"""Names that no model has: every request raises an error that says so."""

from typing import Any

import pytest
from lmstudio import (
    AsyncClient,
    AsyncEmbeddingModel,
    AsyncLLM,
    LMStudioModelNotFoundError,
    LMStudioServerError,
)
from sdk_tests.model_names import UNKNOWN
from sdk_tests.sdk_releases import SDK_1_6

pytestmark = [pytest.mark.anyio, pytest.mark.lmstudio]

# The arguments of the handle methods that ask the host about a loaded model.
COMMON: dict[str, tuple[Any, ...]] = {
    "unload": (),
    "get_info": (),
    "get_load_config": (),
    "get_context_length": (),
    "tokenize": ("Hello",),
    "count_tokens": ("Hello",),
}
LLM_ONLY: dict[str, tuple[Any, ...]] = {"apply_prompt_template": ("Hello",)}
EMBEDDING_ONLY: dict[str, tuple[Any, ...]] = {"embed": ("Hello",)}


def check_details(error: LMStudioServerError, code: str, domain: str | None = None) -> None:
    """Check the code of a server error, and the query in it if a domain is given."""
    assert error.server_error is not None
    data: Any = error.server_error.display_data
    assert data["code"] == code
    if domain is not None:
        assert data["query"] == {"domain": domain, "identifier": UNKNOWN}


@pytest.mark.parametrize("method", [*COMMON, *LLM_ONLY])
async def test_llm_handle(client: AsyncClient, method: str) -> None:
    """Each method of an LLM handle raises LMStudioModelNotFoundError for an unknown model."""
    handle = AsyncLLM(UNKNOWN, client.llm)
    with pytest.raises(LMStudioModelNotFoundError, match=r"^RPC error: ") as failure:
        await getattr(handle, method)(*(COMMON | LLM_ONLY)[method])
    check_details(failure.value, "generic.noModelMatchingQuery", "llm")


@pytest.mark.parametrize("method", [*COMMON, *EMBEDDING_ONLY])
async def test_embedding_model_handle(client: AsyncClient, method: str) -> None:
    """Each method of an embedding handle raises LMStudioModelNotFoundError for an unknown model."""
    handle = AsyncEmbeddingModel(UNKNOWN, client.embedding)
    with pytest.raises(LMStudioModelNotFoundError, match=r"^RPC error: ") as failure:
        await getattr(handle, method)(*(COMMON | EMBEDDING_ONLY)[method])
    check_details(failure.value, "generic.noModelMatchingQuery", "embedding")


@pytest.mark.parametrize(
    ("method", "prefix"), [("complete", "Completion"), ("respond", "Chat response")]
)
async def test_prediction(client: AsyncClient, method: str, prefix: str) -> None:
    """A prediction with an unknown model raises the error before any callback is called."""
    called: list[Any] = []
    handle = AsyncLLM(UNKNOWN, client.llm)
    with pytest.raises(LMStudioModelNotFoundError, match=f"^{prefix} error: ") as failure:
        await getattr(handle, method)(
            "Hello",
            on_prompt_processing_progress=called.append,
            on_message=called.append,
            on_first_token=lambda: called.append(None),
        )
    assert called == []
    check_details(failure.value, "generic.noModelMatchingQuery", "llm")


async def test_stream(client: AsyncClient) -> None:
    """A stream of an unknown model raises the same error from iteration and from result()."""
    stream = await AsyncLLM(UNKNOWN, client.llm).respond_stream("Hello")
    with pytest.raises(LMStudioModelNotFoundError) as failure:
        async for _ in stream:
            pass
    with pytest.raises(LMStudioModelNotFoundError) as again:
        stream.result()
    assert again.value is failure.value


@pytest.mark.parametrize("namespace", ["llm", "embedding"])
@pytest.mark.parametrize(
    ("method", "prefix"), [("model", "Model get/load"), ("load_new_instance", "Model load")]
)
async def test_loading(client: AsyncClient, namespace: str, method: str, prefix: str) -> None:
    """Loading an unknown model raises an error that names it, with its own class from 1.6 on."""
    expected = LMStudioModelNotFoundError if SDK_1_6 else LMStudioServerError
    with pytest.raises(expected, match=f"^{prefix} error: ") as failure:
        await getattr(getattr(client, namespace), method)(UNKNOWN)
    assert type(failure.value) is expected
    assert UNKNOWN in str(failure.value)
    check_details(failure.value, "generic.pathNotFound")


@pytest.mark.parametrize("namespace", ["llm", "embedding"])
async def test_session_methods(client: AsyncClient, namespace: str) -> None:
    """The methods of a session raise the same errors as those of a handle."""
    session = getattr(client, namespace)
    for call in (session.get_model_info, session.unload):
        with pytest.raises(LMStudioModelNotFoundError) as failure:
            await call(UNKNOWN)
        check_details(failure.value, "generic.noModelMatchingQuery", namespace)


async def test_session_survives(client: AsyncClient) -> None:
    """A session stays usable after errors of a call and of a channel."""
    with pytest.raises(LMStudioModelNotFoundError):
        await client.llm.get_model_info(UNKNOWN)
    with pytest.raises(LMStudioModelNotFoundError):
        await AsyncLLM(UNKNOWN, client.llm).complete("Hello")
    assert isinstance(await client.llm.list_loaded(), list)
