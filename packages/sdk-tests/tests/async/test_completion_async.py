"""Text completion: results and streams."""

import pytest
from lmstudio import AsyncLLM, PredictionResult
from sdk_tests.forced_outputs import written

pytestmark = [pytest.mark.anyio, pytest.mark.models]

PROMPT = "One two three four five six"


async def test_result_is_text(llm: AsyncLLM) -> None:
    """An unstructured result has its text as content, as parsed value and as str()."""
    result = await llm.complete(PROMPT, config={"maxTokens": 3})
    assert isinstance(result, PredictionResult)
    assert isinstance(result.content, str)
    assert result.parsed is result.content
    assert str(result) == result.content
    assert not result.structured


async def test_prompt_is_taken_as_it_is(plain_llm: AsyncLLM) -> None:
    """A completion's prompt consists of the text's tokens, without chat template or markers."""
    result = await plain_llm.complete(PROMPT, config={"maxTokens": 1})
    assert result.stats.prompt_tokens_count == len(await plain_llm.tokenize(PROMPT))


async def test_fragments_make_up_the_content(llm: AsyncLLM) -> None:
    """A stream yields non-empty pieces, which together are the result's content."""
    stream = await llm.complete_stream(PROMPT, config={"maxTokens": 5})
    pieces = [fragment.content async for fragment in stream]
    assert all(pieces)
    assert "".join(pieces) == stream.result().content


async def test_fragments_are_tokens(llm: AsyncLLM) -> None:
    """Fragments are plain, undrafted text, and their token counts add up to the prediction's."""
    stream = await llm.complete_stream(PROMPT, config={"maxTokens": 5, "temperature": 0})
    fragments = [fragment async for fragment in stream]
    assert {(each.reasoning_type, each.contains_drafted) for each in fragments} == {("none", False)}
    assert sum(each.tokens_count for each in fragments) == 5
    assert stream.result().stats.predicted_tokens_count == 5


async def test_stream_knows_its_outcome_at_the_end(llm: AsyncLLM) -> None:
    """A stream's statistics and model are None until its end, and then those of its result."""
    stream = await llm.complete_stream(PROMPT, config={"maxTokens": 2})
    async for _ in stream:
        assert (stream.stats, stream.model_info) == (None, None)
    result = stream.result()
    assert (stream.stats, stream.model_info) == (result.stats, result.model_info)


async def test_stream_can_be_waited_for(llm: AsyncLLM) -> None:
    """wait_for_result runs a stream to its end without iteration and returns the result."""
    stream = await llm.complete_stream(PROMPT, config=written("as told"))
    result = await stream.wait_for_result()
    assert result.content == "as told"
    assert stream.result() is result


async def test_stream_in_a_block(llm: AsyncLLM) -> None:
    """A stream can be iterated to its end inside its own block."""
    async with await llm.complete_stream(PROMPT, config=written("as told")) as stream:
        pieces = [fragment.content async for fragment in stream]
    assert "".join(pieces) == "as told"
    assert stream.result().content == "as told"


async def test_started_stream_goes_on(llm: AsyncLLM) -> None:
    """Iterating a stream that start() has started does not send the request again."""
    stream = await llm.complete_stream(PROMPT, config=written("as told"))
    await stream.start()
    assert "".join([fragment.content async for fragment in stream]) == "as told"
