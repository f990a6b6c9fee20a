"""The tracebacks of failed requests, which show the caller's frames and none of the SDK's."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from lmstudio import AsyncClient, AsyncLLM, LMStudioError
from sdk_tests.foreign_hosts import closed_address
from sdk_tests.model_names import UNKNOWN
from sdk_tests.sdk_tracebacks import KEEP_VARIABLE, sdk_frames, truncation_bug

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.lmstudio,
    pytest.mark.usefixtures("default_tracebacks"),
]

REQUESTS: dict[str, Callable[[AsyncClient], Awaitable[Any]]] = {
    "call": lambda client: client.llm.get_model_info(UNKNOWN),
    "load": lambda client: client.llm.load_new_instance(UNKNOWN),
    "get-or-load": lambda client: client.llm.model(UNKNOWN),
    "handle": lambda client: AsyncLLM(UNKNOWN, client.llm).get_info(),
    "prediction": lambda client: AsyncLLM(UNKNOWN, client.llm).complete("Hello"),
    "namespace": lambda client: client.list_loaded_models(UNKNOWN),
    "connect": lambda client: client.llm.connect(),
}


@truncation_bug
@pytest.mark.parametrize("kind", REQUESTS)
async def test_errors_hide_the_sdks_frames(client: AsyncClient, kind: str) -> None:
    """The traceback of a failed request has no frame of the SDK."""
    await client.llm.list_loaded()
    with pytest.raises(LMStudioError) as failure:
        await REQUESTS[kind](client)
    assert sdk_frames(failure.value) == []


@pytest.mark.parametrize("kind", REQUESTS)
async def test_errors_show_the_sdks_frames_on_request(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The traceback has frames of the SDK when the environment variable asks for them."""
    monkeypatch.setenv(KEEP_VARIABLE, "1")
    await client.llm.list_loaded()
    with pytest.raises(LMStudioError) as failure:
        await REQUESTS[kind](client)
    assert sdk_frames(failure.value), "the traceback shows no frame of the SDK"


@truncation_bug
async def test_failed_entry_hides_the_sdks_frames() -> None:
    """Entering a client without a host shows at most one frame of the SDK."""
    with pytest.raises(LMStudioError) as failure:
        async with AsyncClient(closed_address()):
            pass
    frames = sdk_frames(failure.value)
    assert len(frames) <= 1, frames


@truncation_bug
async def test_failed_stream_hides_the_sdks_frames(client: AsyncClient) -> None:
    """The error that a failed stream's result() raises has no frame of the SDK."""
    stream = await AsyncLLM(UNKNOWN, client.llm).complete_stream("Hello")
    with pytest.raises(LMStudioError):
        await stream.wait_for_result()
    with pytest.raises(LMStudioError) as failure:
        stream.result()
    assert sdk_frames(failure.value) == []
