# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_callbacks_async.py
# Change that, then: hatch run sync:generate
"""Callbacks of predictions: which are called, when and how often, and how errors are handled."""

import logging
from typing import Any

import pytest
from lmstudio import LLM, LlmPredictionFragment
from sdk_tests.forced_outputs import endless, written
from sdk_tests.structured_log import logged_events

pytestmark = [pytest.mark.models]


class Recorder:
    """All callbacks together; `events` has the kind and the argument of each call, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    @property
    def callbacks(self) -> dict[str, Any]:
        """The callbacks as keyword arguments for any prediction method."""
        return {
            "on_prompt_processing_progress": lambda share: self.events.append(("progress", share)),
            "on_first_token": lambda: self.events.append(("first token", None)),
            "on_prediction_fragment": lambda piece: self.events.append(("fragment", piece)),
            "on_message": lambda message: self.events.append(("message", message)),
        }

    def arguments(self, kind: str) -> list[Any]:
        """Return the arguments of all calls of one kind."""
        return [argument for each, argument in self.events if each == kind]


@pytest.mark.parametrize("method", ["complete", "respond"])
def test_order(llm: LLM, method: str) -> None:
    """Prompt progress comes first, then the first token, all fragments and finally the message."""
    recorder = Recorder()
    getattr(llm, method)("One two three", config=endless(4), **recorder.callbacks)
    kinds = [kind for kind, _ in recorder.events]
    progress = kinds.count("progress")
    fragments = kinds.count("fragment")
    assert kinds == [
        *["progress"] * progress,
        "first token",
        *["fragment"] * fragments,
        "message",
    ]


def test_prompt_progress(llm: LLM) -> None:
    """Prompt progress rises from exactly 0 to exactly 1, even for a short prompt."""
    shares: list[float] = []
    llm.complete(
        "One two three", config={"maxTokens": 1}, on_prompt_processing_progress=shares.append
    )
    assert shares[:1] == [0.0]
    assert shares[-1:] == [1.0]
    assert shares == sorted(set(shares))


def test_first_token_is_announced_once(llm: LLM) -> None:
    """The first-token callback is called only once, however many tokens follow."""
    calls: list[None] = []
    llm.complete("One two three", config=endless(4), on_first_token=lambda: calls.append(None))
    assert calls == [None]


def test_fragment_callback_sees_what_is_iterated(llm: LLM) -> None:
    """Each fragment reaches the callback just before it reaches the iteration."""
    seen: list[LlmPredictionFragment] = []
    stream = llm.complete_stream(
        "One two three", config=endless(4), on_prediction_fragment=seen.append
    )
    iterated = []
    for fragment in stream:
        iterated.append(fragment)
        assert seen == iterated
    assert iterated, "the stream has no fragments"


@pytest.mark.parametrize("method", ["complete_stream", "respond_stream"])
def test_streams_call_back(llm: LLM, method: str) -> None:
    """A stream has called all callbacks by the time that its result is available."""
    recorder = Recorder()
    stream = getattr(llm, method)("A", config=written("as told"), **recorder.callbacks)
    assert recorder.events == []
    result = stream.wait_for_result()
    assert recorder.arguments("progress")[-1:] == [1.0]
    assert recorder.arguments("first token") == [None]
    assert "".join(piece.content for piece in recorder.arguments("fragment")) == result.content
    (message,) = recorder.arguments("message")
    assert [part.text for part in message.content] == [result.content]


@pytest.mark.parametrize(
    ("callback", "event"),
    [
        ("on_prompt_processing_progress", "Prediction progress callback failed"),
        ("on_first_token", "First token callback failed"),
        ("on_prediction_fragment", "Prediction fragment callback failed"),
    ],
    ids=["progress", "first-token", "fragment"],
)
def test_failing_callback_stops_nothing(
    llm: LLM, caplog: pytest.LogCaptureFixture, callback: str, event: str
) -> None:
    """Each exception in a callback is logged as an error, and the prediction continues."""

    def fail(*_: Any) -> None:
        raise LookupError("my mistake")

    callbacks: dict[str, Any] = {callback: fail}
    with caplog.at_level(logging.ERROR):
        result = llm.complete("A", config=written("as told"), **callbacks)
    assert result.content == "as told"
    errors = logged_events(caplog, "CompletionEndpoint")
    assert errors, "the callback's exception was not logged"
    for level, fields in errors:
        assert level == "ERROR"
        assert fields["event"].startswith(event)
        assert fields["exc"] == "LookupError('my mistake')"
