"""Tracebacks, which end at the SDK's boundary unless the user wants its frames."""

import traceback
from collections.abc import Callable
from typing import Any

import lmstudio
import pytest
from lmstudio import Chat, LMStudioValueError
from lmstudio.sdk_api import sdk_public_api, sdk_public_api_async
from sdk_tests.sdk_releases import known_bug
from sdk_tests.sdk_tracebacks import KEEP_VARIABLE, sdk_frames, truncation_bug

pytestmark = pytest.mark.usefixtures("default_tracebacks")


def inner(error: BaseException) -> None:
    """Raise the exception, as an inner function of the SDK would."""
    raise error


@sdk_public_api()
def boundary(error: BaseException) -> None:
    """Raise the exception inside the SDK's boundary."""
    inner(error)


@sdk_public_api_async()
async def async_boundary(error: BaseException) -> None:
    """Raise the exception inside the SDK's boundary for coroutines."""
    inner(error)


def run_async(error: BaseException) -> None:
    """Run the coroutine, which never suspends, without an event loop."""
    async_boundary(error).send(None)


both_boundaries = pytest.mark.parametrize("call", [boundary, run_async], ids=["sync", "async"])


def inner_is_shown(call: Callable[[BaseException], Any], error: BaseException) -> bool:
    """Return whether the exception's traceback has the frame inside the boundary."""
    with pytest.raises(type(error)) as failure:
        call(error)
    return "inner" in [frame.name for frame in traceback.extract_tb(failure.value.__traceback__)]


@truncation_bug
@both_boundaries
@pytest.mark.parametrize(
    "error",
    [lmstudio.LMStudioError("x"), LMStudioValueError("x"), KeyboardInterrupt()],
    ids=["base", "derived", "interrupt"],
)
def test_sdk_errors_are_truncated(
    call: Callable[[BaseException], Any], error: BaseException
) -> None:
    """The traceback of an SDK error or an interrupt ends at the boundary."""
    assert not inner_is_shown(call, error)


@both_boundaries
def test_other_errors_are_kept(call: Callable[[BaseException], Any]) -> None:
    """Any other exception, which is a bug of the SDK, keeps its whole traceback."""
    assert inner_is_shown(call, LookupError("x"))


@truncation_bug
@both_boundaries
def test_full_traceback_on_request(
    call: Callable[[BaseException], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment variable, which is read for each error, keeps the whole traceback."""
    error = LMStudioValueError("x")
    assert not inner_is_shown(call, error)
    monkeypatch.setenv(KEEP_VARIABLE, "1")
    assert inner_is_shown(call, error)
    monkeypatch.setenv(KEEP_VARIABLE, "")
    assert not inner_is_shown(call, LMStudioValueError("x"))


def test_boundary_keeps_name_and_result() -> None:
    """The boundary keeps the name, the docstring and the result of its function."""
    assert Chat.add_user_message.__name__ == "add_user_message"
    assert Chat.add_user_message.__doc__ == "Add a new user message to the chat history."
    assert sdk_public_api()(len)([1, 2]) == 2


@truncation_bug
def test_public_method_hides_its_frames() -> None:
    """The traceback of a public method's error has no frame of the SDK."""
    content: Any = 5
    with pytest.raises(LMStudioValueError) as failure:
        Chat().add_user_message(content)
    assert sdk_frames(failure.value) == []


def test_public_method_shows_its_frames_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variable keeps the method's own frame in the traceback."""
    monkeypatch.setenv(KEEP_VARIABLE, "1")
    content: Any = 5
    with pytest.raises(LMStudioValueError) as failure:
        Chat().add_user_message(content)
    assert sdk_frames(failure.value) == ["add_user_message"]


@known_bug(
    "add_tool_result() and add_tool_results() lack the decorator that all other public methods of"
    " Chat have: their errors show the SDK's internal frames."
)
@pytest.mark.parametrize("method", ["add_tool_result", "add_tool_results"])
def test_tool_results_hide_their_frames(method: str) -> None:
    """The tracebacks of the tool result methods' errors must have no frame of the SDK."""
    with pytest.raises(LMStudioValueError) as failure:
        getattr(Chat(), method)([5])
    assert sdk_frames(failure.value) == []
