# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_session_tracebacks_async.py
# Change that, then: hatch run sync:generate
"""The tracebacks of failed requests, which show the caller's frames and none of the SDK's."""

from collections.abc import Callable
from typing import Any

import pytest
from lmstudio import LLM, Client, LMStudioError
from sdk_tests.foreign_hosts import closed_address
from sdk_tests.model_names import UNKNOWN
from sdk_tests.sdk_tracebacks import KEEP_VARIABLE, sdk_frames, truncation_bug

pytestmark = [
    pytest.mark.lmstudio,
    pytest.mark.usefixtures("default_tracebacks"),
]

REQUESTS: dict[str, Callable[[Client], Any]] = {
    "call": lambda client: client.llm.get_model_info(UNKNOWN),
    "load": lambda client: client.llm.load_new_instance(UNKNOWN),
    "get-or-load": lambda client: client.llm.model(UNKNOWN),
    "handle": lambda client: LLM(UNKNOWN, client.llm).get_info(),
    "prediction": lambda client: LLM(UNKNOWN, client.llm).complete("Hello"),
    "namespace": lambda client: client.list_loaded_models(UNKNOWN),
    "connect": lambda client: client.llm.connect(),
}


@truncation_bug
@pytest.mark.parametrize("kind", REQUESTS)
def test_errors_hide_the_sdks_frames(client: Client, kind: str) -> None:
    """The traceback of a failed request has no frame of the SDK."""
    client.llm.list_loaded()
    with pytest.raises(LMStudioError) as failure:
        REQUESTS[kind](client)
    assert sdk_frames(failure.value) == []


@pytest.mark.parametrize("kind", REQUESTS)
def test_errors_show_the_sdks_frames_on_request(
    client: Client, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The traceback has frames of the SDK when the environment variable asks for them."""
    monkeypatch.setenv(KEEP_VARIABLE, "1")
    client.llm.list_loaded()
    with pytest.raises(LMStudioError) as failure:
        REQUESTS[kind](client)
    assert sdk_frames(failure.value), "the traceback shows no frame of the SDK"


@truncation_bug
def test_failed_entry_hides_the_sdks_frames() -> None:
    """Entering a client without a host shows at most one frame of the SDK."""
    with pytest.raises(LMStudioError) as failure:
        with Client(closed_address()):
            pass
    frames = sdk_frames(failure.value)
    assert len(frames) <= 1, frames


@truncation_bug
def test_failed_stream_hides_the_sdks_frames(client: Client) -> None:
    """The error that a failed stream's result() raises has no frame of the SDK."""
    stream = LLM(UNKNOWN, client.llm).complete_stream("Hello")
    with pytest.raises(LMStudioError):
        stream.wait_for_result()
    with pytest.raises(LMStudioError) as failure:
        stream.result()
    assert sdk_frames(failure.value) == []
