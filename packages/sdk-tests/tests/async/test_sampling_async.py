"""Sampling: determinism, stop strings, options, and unknown names in them."""

import pytest
from lmstudio import (
    AsyncClient,
    AsyncLLM,
    LlmLoadModelConfig,
    LlmPredictionConfig,
    LMStudioPresetNotFoundError,
    LMStudioServerError,
)
from sdk_tests.forced_outputs import written
from sdk_tests.model_names import LLM_KEY, UNKNOWN

pytestmark = [pytest.mark.anyio, pytest.mark.models]

PROMPT = "Once upon a time"


async def test_temperature_zero_is_deterministic(llm: AsyncLLM) -> None:
    """A prompt at temperature 0 always leads to the same text, streamed or not."""
    config = LlmPredictionConfig(temperature=0, max_tokens=8)
    first = await llm.complete(PROMPT, config=config)
    stream = await llm.complete_stream(PROMPT, config=config)
    assert (await stream.wait_for_result()).content == first.content


async def test_top_k_of_one_is_greedy(llm: AsyncLLM) -> None:
    """Top-k sampling with one token writes the text of temperature 0 at any temperature."""
    greedy = await llm.complete(PROMPT, config={"temperature": 0, "maxTokens": 8})
    top_one = await llm.complete(
        PROMPT, config={"temperature": 1.5, "topKSampling": 1, "maxTokens": 8}
    )
    assert top_one.content == greedy.content


@pytest.mark.slow
@pytest.mark.usefixtures("loaded_as_before")
async def test_load_seed_is_deterministic(client: AsyncClient) -> None:
    """Models that were loaded with the same seed sample the same text at a high temperature."""
    texts = []
    for _ in range(2):
        llm = await client.llm.load_new_instance(LLM_KEY, config={"contextLength": 512, "seed": 7})
        load_config = await llm.get_load_config()
        assert isinstance(load_config, LlmLoadModelConfig)
        assert load_config.seed == 7
        result = await llm.complete(PROMPT, config={"temperature": 1.5, "maxTokens": 6})
        texts.append(result.content)
        await llm.unload()
    assert texts[0] == texts[1]


async def test_stop_string_across_tokens(llm: AsyncLLM) -> None:
    """A stop string ends the text before it, even when it begins or ends inside a token."""
    result = await llm.complete(PROMPT, config=written("one;two;three", stopStrings=["wo;th"]))
    assert result.content == "one;t"
    assert result.stats.stop_reason == "stopStringFound"


async def test_first_stop_string_wins(llm: AsyncLLM) -> None:
    """The stop string that appears first in the text ends it."""
    result = await llm.complete(
        PROMPT, config=written("one;two;three", stopStrings=["three", "two"])
    )
    assert result.content == "one;"


async def test_stop_string_that_does_not_appear(llm: AsyncLLM) -> None:
    """The beginning of a stop string that is never completed is still part of the text."""
    result = await llm.complete(PROMPT, config=written("one;two", stopStrings=["two;"]))
    assert result.content == "one;two"
    assert result.stats.stop_reason == "eosFound"


async def test_tool_call_stop_string(llm: AsyncLLM) -> None:
    """A stop string for tool calls ends the text with the stop reason toolCalls."""
    result = await llm.complete(PROMPT, config=written("one;two", toolCallStopStrings=[";"]))
    assert result.content == "one"
    assert result.stats.stop_reason == "toolCalls"


async def test_reasoning_is_marked(llm: AsyncLLM) -> None:
    """Fragments mark reasoning and its tags, and the content has the whole text."""
    parsing = {"enabled": True, "startString": "<plan>", "endString": "</plan>"}
    text = "<plan>first this</plan>then that"
    stream = await llm.complete_stream(PROMPT, config=written(text, reasoningParsing=parsing))
    kinds: dict[str, str] = {}
    async for fragment in stream:
        kinds[fragment.reasoning_type] = kinds.get(fragment.reasoning_type, "") + fragment.content
    assert kinds == {
        "reasoningStartTag": "<plan>",
        "reasoning": "first this",
        "reasoningEndTag": "</plan>",
        "none": "then that",
    }
    assert stream.result().content == text


async def test_prompt_template_of_the_request(plain_llm: AsyncLLM) -> None:
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
    result = await plain_llm.respond("Hello", config=config)
    assert result.stats.prompt_tokens_count == len(await plain_llm.tokenize("<Hello>"))


async def test_unknown_preset(llm: AsyncLLM) -> None:
    """An unknown preset raises an error of its own class that names the preset."""
    with pytest.raises(LMStudioPresetNotFoundError, match="no-such-preset"):
        await llm.respond("Hi", preset="no-such-preset")


async def test_unknown_draft_model(llm: AsyncLLM) -> None:
    """An unknown draft model raises a server error that names the model."""
    with pytest.raises(LMStudioServerError, match=f'Cannot find model "{UNKNOWN}"'):
        await llm.complete("Hi", config={"draftModel": UNKNOWN, "maxTokens": 1})
