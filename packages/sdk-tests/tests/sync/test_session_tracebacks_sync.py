# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_session_tracebacks_async.py
# Change that, then: hatch run sync:generate
"""Errors of requests show the caller's code and none of the SDK's."""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmstudio
import pytest
from lmstudio import LLM, Client, LMStudioError
from sdk_tests.foreign_hosts import closed_address
from sdk_tests.model_names import UNKNOWN
from sdk_tests.sdk_releases import known_bug

pytestmark = [pytest.mark.lmstudio]

SDK_FOLDER = Path(lmstudio.__file__).parent
KEEP = "LMS_KEEP_INTERNAL_STACK"

hiding_bug = known_bug(
    "The boundary clears __traceback__ in __exit__; on Python 3.10 the interpreter puts the old one"
    " back.",
    when=sys.version_info < (3, 11),
)

REQUESTS: dict[str, Callable[[Client], Any]] = {
    "call": lambda client: client.llm.get_model_info(UNKNOWN),
    "load": lambda client: client.llm.load_new_instance(UNKNOWN),
    "get-or-load": lambda client: client.llm.model(UNKNOWN),
    "handle": lambda client: LLM(UNKNOWN, client.llm).get_info(),
    "prediction": lambda client: LLM(UNKNOWN, client.llm).complete("Hello"),
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
def test_errors_hide_the_inside(client: Client, kind: str) -> None:
    """The traceback of a failed request has no frame of the SDK's."""
    client.llm.list_loaded()
    with pytest.raises(LMStudioError) as failure:
        REQUESTS[kind](client)
    assert frames(failure.value) == []


@pytest.mark.parametrize("kind", REQUESTS)
def test_errors_show_the_inside_on_request(
    client: Client, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """With the environment variable set the traceback has all of the SDK's frames."""
    monkeypatch.setenv(KEEP, "1")
    client.llm.list_loaded()
    with pytest.raises(LMStudioError) as failure:
        REQUESTS[kind](client)
    assert len(frames(failure.value)) > 0


@hiding_bug
def test_failed_entry_hides_the_inside() -> None:
    """Entering a client without host shows one line of the SDK's: that of the block itself."""
    with pytest.raises(LMStudioError) as failure:
        with Client(closed_address()):
            pass
    assert len(frames(failure.value)) <= 1


@hiding_bug
def test_failed_stream_hides_the_inside(client: Client) -> None:
    """The error kept by a stream is shown without the SDK's frames when it is asked for."""
    stream = LLM(UNKNOWN, client.llm).complete_stream("Hello")
    with pytest.raises(LMStudioError):
        stream.wait_for_result()
    with pytest.raises(LMStudioError) as failure:
        stream.result()
    assert frames(failure.value) == []
