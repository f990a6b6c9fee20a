# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_cancellation_async.py
# Change that, then: hatch run sync:generate
"""Predictions that end early because they are cancelled, closed or abandoned."""

import logging

import pytest
from lmstudio import LLM, LMStudioCancelledError
from sdk_tests.forced_outputs import endless, written
from sdk_tests.logger_names import WEBSOCKET_LOGGER
from sdk_tests.sdk_releases import known_bug
from sdk_tests.structured_log import logged_events

pytestmark = [pytest.mark.models]

PROMPT = "One two three"


def test_cancelled_stream_keeps_what_came_before(llm: LLM) -> None:
    """Cancelling ends the iteration, and the userStopped result has the text seen so far."""
    stream = llm.complete_stream(PROMPT, config=endless(200))
    seen = []
    for fragment in stream:
        seen.append(fragment.content)
        if len(seen) == 2:
            stream.cancel()
    result = stream.result()
    assert len(seen) == 2
    assert result.content == "".join(seen)
    assert result.stats.stop_reason == "userStopped"


def test_cancelled_before_the_first_token(llm: LLM) -> None:
    """Cancelling right after the request leads to an empty userStopped result and no callbacks."""
    calls: list[str] = []
    stream = llm.complete_stream(
        PROMPT,
        config=endless(200),
        on_first_token=lambda: calls.append("first token"),
        on_prediction_fragment=lambda fragment: calls.append(fragment.content),
    )
    stream.start()
    stream.cancel()
    result = stream.wait_for_result()
    assert (result.content, calls) == ("", [])
    assert result.stats.stop_reason == "userStopped"


def test_cancelling_too_early_does_nothing(llm: LLM) -> None:
    """Cancelling a stream that has not started does nothing: it still runs to its end."""
    stream = llm.complete_stream(PROMPT, config=written("as told"))
    stream.cancel()
    assert (stream.wait_for_result()).content == "as told"


def test_cancelling_too_late_does_nothing(llm: LLM) -> None:
    """A finished stream keeps its result when it is cancelled."""
    stream = llm.complete_stream(PROMPT, config=written("as told"))
    result = stream.wait_for_result()
    stream.cancel()
    assert stream.result() is result
    assert result.stats.stop_reason == "eosFound"


def test_cancelled_structured_prediction_is_not_parsed(llm: LLM) -> None:
    """The text of a cancelled structured prediction is not parsed, even if it is JSON."""
    stream = llm.complete_stream(PROMPT, config=written('{ \\"a\\": 1 }'))
    seen = ""
    for fragment in stream:
        seen += fragment.content
        stream.cancel()
    result = stream.result()
    assert result.content == seen
    assert result.parsed is result.content
    assert not result.structured


def test_message_of_a_cancelled_prediction(llm: LLM) -> None:
    """The message callback of a cancelled prediction is called with the partial text."""
    texts: list[str] = []
    stream = llm.complete_stream(
        PROMPT, config=endless(200), on_message=lambda message: texts.append(str(message.content))
    )
    for _ in stream:
        stream.cancel()
    assert len(texts) == 1
    assert stream.result().content in texts[0]


def test_closing_early_is_an_error_of_the_result(llm: LLM) -> None:
    """The result of a stream that was closed early is an error that recommends cancel()."""
    stream = llm.complete_stream(PROMPT, config=endless(5))
    stream.start()
    stream.close()
    with pytest.raises(
        LMStudioCancelledError,
        match=r"^Prediction cancelled unexpectedly: please use \.cancel\(\)$",
    ):
        stream.result()


def test_leaving_the_block_early_is_an_error_of_the_result(llm: LLM) -> None:
    """Leaving a stream's block before the stream's end closes the stream early."""
    with llm.complete_stream(PROMPT, config=endless(5)) as stream:
        pass
    with pytest.raises(LMStudioCancelledError):
        stream.result()


def test_session_works_after_an_early_end(llm: LLM) -> None:
    """A session still predicts after predictions that were closed or cancelled."""
    closed = llm.complete_stream(PROMPT, config=endless(5))
    closed.start()
    closed.close()
    cancelled = llm.complete_stream(PROMPT, config=endless(5))
    cancelled.start()
    cancelled.cancel()
    cancelled.wait_for_result()
    assert (llm.complete(PROMPT, config=written("ok"))).content == "ok"


@known_bug(
    "close() promises to end the prediction but sends no cancel: the host goes on up to the limit,"
    " and each packet that still arrives is logged as a warning with its whole contents."
)
@pytest.mark.embedded  # the embedded server runs one prediction after the other
def test_closing_early_ends_the_prediction(llm: LLM, caplog: pytest.LogCaptureFixture) -> None:
    """Closing a stream must stop the host's generation."""
    stream = llm.complete_stream(PROMPT, config=endless(60))
    with stream:
        for _ in stream:
            break
    # By the end of this prediction the host has sent the end of the first one.
    with caplog.at_level(logging.WARNING):
        llm.complete(PROMPT, config=written("as told"))
    late = [fields["event"] for _, fields in logged_events(caplog, WEBSOCKET_LOGGER)]
    assert [event for event in late if "maxPredictedTokensReached" in event] == []
