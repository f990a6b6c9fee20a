# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_completion_async.py
# Change that, then: hatch run sync:generate
"""Text completion: results and streams."""

import pytest
from lmstudio import LLM, PredictionResult
from sdk_tests.forced_outputs import written

pytestmark = [pytest.mark.models]

PROMPT = "One two three four five six"


def test_result_is_text(llm: LLM) -> None:
    """An unstructured result has its text as content, as parsed value and as str()."""
    result = llm.complete(PROMPT, config={"maxTokens": 3})
    assert isinstance(result, PredictionResult)
    assert isinstance(result.content, str)
    assert result.parsed is result.content
    assert str(result) == result.content
    assert not result.structured


def test_prompt_is_taken_as_it_is(plain_llm: LLM) -> None:
    """A completion's prompt consists of the text's tokens, without chat template or markers."""
    result = plain_llm.complete(PROMPT, config={"maxTokens": 1})
    assert result.stats.prompt_tokens_count == len(plain_llm.tokenize(PROMPT))


def test_fragments_make_up_the_content(llm: LLM) -> None:
    """A stream yields non-empty pieces, which together are the result's content."""
    stream = llm.complete_stream(PROMPT, config={"maxTokens": 5})
    pieces = [fragment.content for fragment in stream]
    assert all(pieces)
    assert "".join(pieces) == stream.result().content


def test_fragments_are_tokens(llm: LLM) -> None:
    """Fragments are plain, undrafted text, and their token counts add up to the prediction's."""
    stream = llm.complete_stream(PROMPT, config={"maxTokens": 5, "temperature": 0})
    fragments = [fragment for fragment in stream]
    assert {(each.reasoning_type, each.contains_drafted) for each in fragments} == {("none", False)}
    assert sum(each.tokens_count for each in fragments) == 5
    assert stream.result().stats.predicted_tokens_count == 5


def test_stream_knows_its_outcome_at_the_end(llm: LLM) -> None:
    """A stream's statistics and model are None until its end, and then those of its result."""
    stream = llm.complete_stream(PROMPT, config={"maxTokens": 2})
    for _ in stream:
        assert (stream.stats, stream.model_info) == (None, None)
    result = stream.result()
    assert (stream.stats, stream.model_info) == (result.stats, result.model_info)


def test_stream_can_be_waited_for(llm: LLM) -> None:
    """wait_for_result runs a stream to its end without iteration and returns the result."""
    stream = llm.complete_stream(PROMPT, config=written("as told"))
    result = stream.wait_for_result()
    assert result.content == "as told"
    assert stream.result() is result


def test_stream_in_a_block(llm: LLM) -> None:
    """A stream can be iterated to its end inside its own block."""
    with llm.complete_stream(PROMPT, config=written("as told")) as stream:
        pieces = [fragment.content for fragment in stream]
    assert "".join(pieces) == "as told"
    assert stream.result().content == "as told"


def test_started_stream_goes_on(llm: LLM) -> None:
    """Iterating a stream that start() has started does not send the request again."""
    stream = llm.complete_stream(PROMPT, config=written("as told"))
    stream.start()
    assert "".join([fragment.content for fragment in stream]) == "as told"
