# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_sampling_async.py
# Change that, then: hatch run sync:generate
"""Sampling: determinism, stop strings, options, and settings that do not exist."""

import pytest
from lmstudio import (
    LLM,
    Client,
    LlmLoadModelConfig,
    LlmPredictionConfig,
    LMStudioPresetNotFoundError,
    LMStudioServerError,
)
from sdk_tests.forced_outputs import written
from sdk_tests.model_names import LLM_KEY, UNKNOWN

pytestmark = [pytest.mark.models]

PROMPT = "Once upon a time"


def test_temperature_zero_is_deterministic(llm: LLM) -> None:
    """At temperature 0 the same prompt gives the same text, streamed or not."""
    config = LlmPredictionConfig(temperature=0, max_tokens=8)
    first = llm.complete(PROMPT, config=config)
    stream = llm.complete_stream(PROMPT, config=config)
    assert (stream.wait_for_result()).content == first.content


def test_top_k_of_one_is_greedy(llm: LLM) -> None:
    """Choosing from a single token gives the text of temperature 0 at any temperature."""
    greedy = llm.complete(PROMPT, config={"temperature": 0, "maxTokens": 8})
    top_one = llm.complete(PROMPT, config={"temperature": 1.5, "topKSampling": 1, "maxTokens": 8})
    assert top_one.content == greedy.content


@pytest.mark.slow
@pytest.mark.usefixtures("loaded_as_before")
def test_load_seed_is_deterministic(client: Client) -> None:
    """Models loaded with the same seed sample the same text at a high temperature."""
    texts = []
    for _ in range(2):
        llm = client.llm.load_new_instance(LLM_KEY, config={"contextLength": 512, "seed": 7})
        load_config = llm.get_load_config()
        assert isinstance(load_config, LlmLoadModelConfig)
        assert load_config.seed == 7
        result = llm.complete(PROMPT, config={"temperature": 1.5, "maxTokens": 6})
        texts.append(result.content)
        llm.unload()
    assert texts[0] == texts[1]


def test_stop_string_across_tokens(llm: LLM) -> None:
    """A stop string is found wherever token borders are, and only what precedes it is output."""
    result = llm.complete(PROMPT, config=written("one;two;three", stopStrings=["wo;th"]))
    assert result.content == "one;t"
    assert result.stats.stop_reason == "stopStringFound"


def test_first_stop_string_wins(llm: LLM) -> None:
    """Of several stop strings the one that appears first in the text ends it."""
    result = llm.complete(PROMPT, config=written("one;two;three", stopStrings=["three", "two"]))
    assert result.content == "one;"


def test_stop_string_that_does_not_appear(llm: LLM) -> None:
    """The beginning of a stop string, held back while it may be one, is output in the end."""
    result = llm.complete(PROMPT, config=written("one;two", stopStrings=["two;"]))
    assert result.content == "one;two"
    assert result.stats.stop_reason == "eosFound"


def test_tool_call_stop_string(llm: LLM) -> None:
    """A stop string for tool calls ends the text as well, with a reason of its own."""
    result = llm.complete(PROMPT, config=written("one;two", toolCallStopStrings=[";"]))
    assert result.content == "one"
    assert result.stats.stop_reason == "toolCalls"


def test_reasoning_is_marked(llm: LLM) -> None:
    """Text between the given tags is marked as reasoning, the tags as such; content has it all."""
    parsing = {"enabled": True, "startString": "<plan>", "endString": "</plan>"}
    text = "<plan>first this</plan>then that"
    stream = llm.complete_stream(PROMPT, config=written(text, reasoningParsing=parsing))
    kinds: dict[str, str] = {}
    for fragment in stream:
        kinds[fragment.reasoning_type] = kinds.get(fragment.reasoning_type, "") + fragment.content
    assert kinds == {
        "reasoningStartTag": "<plan>",
        "reasoning": "first this",
        "reasoningEndTag": "</plan>",
        "none": "then that",
    }
    assert stream.result().content == text


def test_prompt_template_of_the_request(plain_llm: LLM) -> None:
    """A template in the config formats the chat instead of the model's own."""
    template = "{% for message in messages %}<{{ message['content'] }}>{% endfor %}"
    config = LlmPredictionConfig.from_dict(
        {
            "maxTokens": 1,
            "promptTemplate": {
                "type": "jinja",
                "jinjaPromptTemplate": {"template": template},
                "stopStrings": [],
            },
        }
    )
    result = plain_llm.respond("Hello", config=config)
    assert result.stats.prompt_tokens_count == len(plain_llm.tokenize("<Hello>"))


def test_unknown_preset(llm: LLM) -> None:
    """A preset that does not exist is an error of its own class that names it."""
    with pytest.raises(LMStudioPresetNotFoundError, match="no-such-preset"):
        llm.respond("Hi", preset="no-such-preset")


def test_unknown_draft_model(llm: LLM) -> None:
    """A draft model that does not exist is an error that names it."""
    with pytest.raises(LMStudioServerError, match=f'Cannot find model "{UNKNOWN}"'):
        llm.complete("Hi", config={"draftModel": UNKNOWN, "maxTokens": 1})
