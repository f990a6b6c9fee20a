# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_sampling_async.py
# Change that, then: hatch run sync:generate
"""Sampling: determinism, stop strings, options, and unknown names in them."""

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
    """A prompt at temperature 0 always leads to the same text, streamed or not."""
    config = LlmPredictionConfig(temperature=0, max_tokens=8)
    first = llm.complete(PROMPT, config=config)
    stream = llm.complete_stream(PROMPT, config=config)
    assert (stream.wait_for_result()).content == first.content


def test_top_k_of_one_is_greedy(llm: LLM) -> None:
    """Top-k sampling with one token writes the text of temperature 0 at any temperature."""
    greedy = llm.complete(PROMPT, config={"temperature": 0, "maxTokens": 8})
    top_one = llm.complete(PROMPT, config={"temperature": 1.5, "topKSampling": 1, "maxTokens": 8})
    assert top_one.content == greedy.content


@pytest.mark.slow
@pytest.mark.usefixtures("loaded_as_before")
def test_load_seed_is_deterministic(client: Client) -> None:
    """Models that were loaded with the same seed sample the same text at a high temperature."""
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
    """A stop string ends the text before it, even when it begins or ends inside a token."""
    result = llm.complete(PROMPT, config=written("one;two;three", stopStrings=["wo;th"]))
    assert result.content == "one;t"
    assert result.stats.stop_reason == "stopStringFound"


def test_first_stop_string_wins(llm: LLM) -> None:
    """The stop string that appears first in the text ends it."""
    result = llm.complete(PROMPT, config=written("one;two;three", stopStrings=["three", "two"]))
    assert result.content == "one;"


def test_stop_string_that_does_not_appear(llm: LLM) -> None:
    """The beginning of a stop string that is never completed is still part of the text."""
    result = llm.complete(PROMPT, config=written("one;two", stopStrings=["two;"]))
    assert result.content == "one;two"
    assert result.stats.stop_reason == "eosFound"


def test_tool_call_stop_string(llm: LLM) -> None:
    """A stop string for tool calls ends the text with the stop reason toolCalls."""
    result = llm.complete(PROMPT, config=written("one;two", toolCallStopStrings=[";"]))
    assert result.content == "one"
    assert result.stats.stop_reason == "toolCalls"


def test_reasoning_is_marked(llm: LLM) -> None:
    """Fragments mark reasoning and its tags, and the content has the whole text."""
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
    """A prompt template in the config replaces the model's own."""
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
    """An unknown preset raises an error of its own class that names the preset."""
    with pytest.raises(LMStudioPresetNotFoundError, match="no-such-preset"):
        llm.respond("Hi", preset="no-such-preset")


def test_unknown_draft_model(llm: LLM) -> None:
    """An unknown draft model raises a server error that names the model."""
    with pytest.raises(LMStudioServerError, match=f'Cannot find model "{UNKNOWN}"'):
        llm.complete("Hi", config={"draftModel": UNKNOWN, "maxTokens": 1})
