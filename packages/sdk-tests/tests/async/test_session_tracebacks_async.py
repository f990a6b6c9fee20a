"""Errors of requests show the caller's code and none of the SDK's."""

import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import lmstudio
import pytest
from lmstudio import AsyncClient, AsyncLLM, LMStudioError
from sdk_tests.foreign_hosts import closed_address
from sdk_tests.model_names import UNKNOWN
from sdk_tests.sdk_releases import known_bug

pytestmark = [pytest.mark.anyio, pytest.mark.lmstudio]

SDK_FOLDER = Path(lmstudio.__file__).parent
KEEP = "LMS_KEEP_INTERNAL_STACK"

hiding_bug = known_bug(
    "The boundary clears __traceback__ in __exit__; on Python 3.10 the interpreter puts the old one"
    " back.",
    when=sys.version_info < (3, 11),
)

REQUESTS: dict[str, Callable[[AsyncClient], Awaitable[Any]]] = {
    "call": lambda client: client.llm.get_model_info(UNKNOWN),
    "load": lambda client: client.llm.load_new_instance(UNKNOWN),
    "get-or-load": lambda client: client.llm.model(UNKNOWN),
    "handle": lambda client: AsyncLLM(UNKNOWN, client.llm).get_info(),
    "prediction": lambda client: AsyncLLM(UNKNOWN, client.llm).complete("Hello"),
    "namespace": lambda client: client.list_loaded_models(UNKNOWN),
    "connect": lambda client: client.llm.connect(),
}


@pytest.fixture(autouse=True)
def _default_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the user's own setting out of the environment."""
    monkeypatch.delenv(KEEP, raising=False)


def frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return the SDK's frames in an exception's traceback."""
    summary = traceback.extract_tb(error.__traceback__)
    return [frame for frame in summary if SDK_FOLDER in Path(frame.filename).parents]


@hiding_bug
@pytest.mark.parametrize("kind", REQUESTS)
async def test_errors_hide_the_inside(client: AsyncClient, kind: str) -> None:
    """The traceback of a failed request has no frame of the SDK's."""
    await client.llm.list_loaded()
    with pytest.raises(LMStudioError) as failure:
        await REQUESTS[kind](client)
    assert frames(failure.value) == []


@pytest.mark.parametrize("kind", REQUESTS)
async def test_errors_show_the_inside_on_request(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """With the environment variable set the traceback has all of the SDK's frames."""
    monkeypatch.setenv(KEEP, "1")
    await client.llm.list_loaded()
    with pytest.raises(LMStudioError) as failure:
        await REQUESTS[kind](client)
    assert len(frames(failure.value)) > 0


@hiding_bug
async def test_failed_entry_hides_the_inside() -> None:
    """Entering a client without host shows one line of the SDK's: that of the block itself."""
    with pytest.raises(LMStudioError) as failure:
        async with AsyncClient(closed_address()):
            pass
    assert len(frames(failure.value)) <= 1


@hiding_bug
async def test_failed_stream_hides_the_inside(client: AsyncClient) -> None:
    """The error kept by a stream is shown without the SDK's frames when it is asked for."""
    stream = await AsyncLLM(UNKNOWN, client.llm).complete_stream("Hello")
    with pytest.raises(LMStudioError):
        await stream.wait_for_result()
    with pytest.raises(LMStudioError) as failure:
        stream.result()
    assert frames(failure.value) == []
