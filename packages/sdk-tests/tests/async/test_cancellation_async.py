"""Predictions that end early because they are cancelled, closed or abandoned."""

import logging

import anyio
import pytest
from lmstudio import AsyncLLM, LMStudioCancelledError
from sdk_tests.forced_outputs import endless, written
from sdk_tests.logger_names import WEBSOCKET_LOGGER
from sdk_tests.sdk_releases import known_bug
from sdk_tests.structured_log import logged_events

pytestmark = [pytest.mark.anyio, pytest.mark.models]

PROMPT = "One two three"


async def test_cancelled_stream_keeps_what_came_before(llm: AsyncLLM) -> None:
    """Cancelling ends the iteration, and the userStopped result has the text seen so far."""
    stream = await llm.complete_stream(PROMPT, config=endless(200))
    seen = []
    async for fragment in stream:
        seen.append(fragment.content)
        if len(seen) == 2:
            await stream.cancel()
    result = stream.result()
    assert len(seen) == 2
    assert result.content == "".join(seen)
    assert result.stats.stop_reason == "userStopped"


async def test_cancelled_before_the_first_token(llm: AsyncLLM) -> None:
    """Cancelling right after the request leads to an empty userStopped result and no callbacks."""
    calls: list[str] = []
    stream = await llm.complete_stream(
        PROMPT,
        config=endless(200),
        on_first_token=lambda: calls.append("first token"),
        on_prediction_fragment=lambda fragment: calls.append(fragment.content),
    )
    await stream.start()
    await stream.cancel()
    result = await stream.wait_for_result()
    assert (result.content, calls) == ("", [])
    assert result.stats.stop_reason == "userStopped"


async def test_cancelling_too_early_does_nothing(llm: AsyncLLM) -> None:
    """Cancelling a stream that has not started does nothing: it still runs to its end."""
    stream = await llm.complete_stream(PROMPT, config=written("as told"))
    await stream.cancel()
    assert (await stream.wait_for_result()).content == "as told"


async def test_cancelling_too_late_does_nothing(llm: AsyncLLM) -> None:
    """A finished stream keeps its result when it is cancelled."""
    stream = await llm.complete_stream(PROMPT, config=written("as told"))
    result = await stream.wait_for_result()
    await stream.cancel()
    assert stream.result() is result
    assert result.stats.stop_reason == "eosFound"


async def test_cancelled_structured_prediction_is_not_parsed(llm: AsyncLLM) -> None:
    """The text of a cancelled structured prediction is not parsed, even if it is JSON."""
    stream = await llm.complete_stream(PROMPT, config=written('{ \\"a\\": 1 }'))
    seen = ""
    async for fragment in stream:
        seen += fragment.content
        await stream.cancel()
    result = stream.result()
    assert result.content == seen
    assert result.parsed is result.content
    assert not result.structured


async def test_message_of_a_cancelled_prediction(llm: AsyncLLM) -> None:
    """The message callback of a cancelled prediction is called with the partial text."""
    texts: list[str] = []
    stream = await llm.complete_stream(
        PROMPT, config=endless(200), on_message=lambda message: texts.append(str(message.content))
    )
    async for _ in stream:
        await stream.cancel()
    assert len(texts) == 1
    assert stream.result().content in texts[0]


async def test_closing_early_is_an_error_of_the_result(llm: AsyncLLM) -> None:
    """The result of a stream that was closed early is an error that recommends cancel()."""
    stream = await llm.complete_stream(PROMPT, config=endless(5))
    await stream.start()
    await stream.aclose()
    with pytest.raises(
        LMStudioCancelledError,
        match=r"^Prediction cancelled unexpectedly: please use \.cancel\(\)$",
    ):
        stream.result()


async def test_leaving_the_block_early_is_an_error_of_the_result(llm: AsyncLLM) -> None:
    """Leaving a stream's block before the stream's end closes the stream early."""
    async with await llm.complete_stream(PROMPT, config=endless(5)) as stream:
        pass
    with pytest.raises(LMStudioCancelledError):
        stream.result()


async def test_session_works_after_an_early_end(llm: AsyncLLM) -> None:
    """A session still predicts after predictions that were closed or cancelled."""
    closed = await llm.complete_stream(PROMPT, config=endless(5))
    await closed.start()
    await closed.aclose()
    cancelled = await llm.complete_stream(PROMPT, config=endless(5))
    await cancelled.start()
    await cancelled.cancel()
    await cancelled.wait_for_result()
    assert (await llm.complete(PROMPT, config=written("ok"))).content == "ok"


# sync: skip
async def test_cancelled_task_leaves_the_session_usable(llm: AsyncLLM) -> None:
    """Cancelling the task that waits for a prediction leaves the session usable."""
    with anyio.CancelScope() as scope:
        await llm.complete(PROMPT, config=endless(5), on_first_token=scope.cancel)
    assert scope.cancelled_caught, "the prediction ended before it was cancelled"
    assert (await llm.complete(PROMPT, config=written("ok"))).content == "ok"


@known_bug(
    "close() promises to end the prediction but sends no cancel: the host goes on up to the limit,"
    " and each packet that still arrives is logged as a warning with its whole contents."
)
@pytest.mark.embedded  # the embedded server runs one prediction after the other
async def test_closing_early_ends_the_prediction(
    llm: AsyncLLM, caplog: pytest.LogCaptureFixture
) -> None:
    """Closing a stream must stop the host's generation."""
    stream = await llm.complete_stream(PROMPT, config=endless(60))
    async with stream:
        async for _ in stream:
            break
    # By the end of this prediction the host has sent the end of the first one.
    with caplog.at_level(logging.WARNING):
        await llm.complete(PROMPT, config=written("as told"))
    late = [fields["event"] for _, fields in logged_events(caplog, WEBSOCKET_LOGGER)]
    assert [event for event in late if "maxPredictedTokensReached" in event] == []
