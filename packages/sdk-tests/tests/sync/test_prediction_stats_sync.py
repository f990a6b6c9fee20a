# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_prediction_stats_async.py
# Change that, then: hatch run sync:generate
"""What results report about a prediction: stop reason, counts, model and configurations."""

import pytest
from lmstudio import LLM, Client, LlmInfo, LlmPredictionConfig, PredictionResult
from sdk_tests.forced_outputs import endless, written
from sdk_tests.model_names import LLM_KEY

pytestmark = [pytest.mark.models]

PROMPT = "One two three"


def total_matches(result: PredictionResult) -> bool:
    """Return whether the total number of tokens is the sum of prompt and prediction."""
    stats = result.stats
    return stats.total_tokens_count == (
        (stats.prompt_tokens_count or 0) + (stats.predicted_tokens_count or 0)
    )


def test_end_of_sequence(llm: LLM) -> None:
    """A text that the model ends stops with eosFound and counts the end token."""
    stream = llm.complete_stream(PROMPT, config=written("as told"))
    tokens = sum([fragment.tokens_count for fragment in stream])
    result = stream.result()
    assert result.stats.stop_reason == "eosFound"
    assert result.stats.predicted_tokens_count == tokens + 1
    assert total_matches(result)


@pytest.mark.parametrize("limit", [1, 4])
def test_token_limit(llm: LLM, limit: int) -> None:
    """A text with a token limit stops with maxPredictedTokensReached after exactly that many."""
    result = llm.complete(PROMPT, config=endless(limit))
    assert result.stats.stop_reason == "maxPredictedTokensReached"
    assert result.stats.predicted_tokens_count == limit
    assert total_matches(result)


def test_stop_string(llm: LLM) -> None:
    """A stop string ends the text with stopStringFound and is part of neither text nor count."""
    result = llm.complete(PROMPT, config=written("4;5", stopStrings=[";"]))
    assert result.content == "4"
    assert result.stats.stop_reason == "stopStringFound"
    assert result.stats.predicted_tokens_count == 1
    assert total_matches(result)


def test_speed(llm: LLM) -> None:
    """A prediction reports its speed and the time to its first token, and no draft model."""
    stats = (llm.complete(PROMPT, config=endless(3))).stats
    assert stats.tokens_per_second is not None
    assert stats.tokens_per_second > 0, "the speed is not measured"
    assert stats.time_to_first_token_sec is not None
    assert stats.time_to_first_token_sec > 0, "the time to the first token is not measured"
    assert stats.used_draft_model_key is None


@pytest.mark.slow
@pytest.mark.usefixtures("loaded_as_before")
def test_end_of_context(client: Client) -> None:
    """A text under stopAtLimit stops with contextLengthReached when the context is full."""
    llm = client.llm.load_new_instance(LLM_KEY, config={"contextLength": 64})
    config = endless(100, contextOverflowPolicy="stopAtLimit")
    stats = (llm.complete(" word" * 58, config=config)).stats
    assert stats.stop_reason == "contextLengthReached"
    assert stats.prompt_tokens_count is not None
    assert stats.prompt_tokens_count >= 58, "the prompt has 58 words"
    assert stats.total_tokens_count is not None
    assert 62 <= stats.total_tokens_count <= 64, "the context of 64 tokens is not full"


@pytest.mark.usefixtures("loaded_as_before")
def test_unloaded_in_the_middle(client: Client) -> None:
    """A prediction whose model is unloaded stops with modelUnloaded and the text so far."""
    llm = client.llm.load_new_instance(LLM_KEY, config={"contextLength": 512})
    stream = llm.complete_stream(PROMPT, config=endless(400))
    seen = ""
    for fragment in stream:
        if not seen:
            llm.unload()
        seen += fragment.content
    assert stream.result().content == seen
    assert stream.result().stats.stop_reason == "modelUnloaded"


def test_model_info(llm: LLM) -> None:
    """A result describes its model with the same values as the model's own info."""
    result = llm.complete(PROMPT, config={"maxTokens": 1})
    info = llm.get_info()
    assert isinstance(result.model_info, LlmInfo)
    assert result.model_info.model_key == LLM_KEY
    described = {name: getattr(info, name) for name in LlmInfo.__struct_fields__}
    assert described == {
        name: getattr(result.model_info, name) for name in LlmInfo.__struct_fields__
    }


def test_load_config(llm: LLM) -> None:
    """A result has the configuration with which its model was loaded."""
    result = llm.complete(PROMPT, config={"maxTokens": 1})
    assert result.load_config == llm.get_load_config()
    assert result.load_config.context_length == llm.get_context_length()


def test_prediction_config(llm: LLM) -> None:
    """A result has the settings that its request gave."""
    result = llm.complete(
        PROMPT,
        config={
            "maxTokens": 1,
            "temperature": 0.5,
            "topKSampling": 30,
            "topPSampling": 0.75,
            "minPSampling": 0.25,
            "repeatPenalty": 1.25,
            "stopStrings": ["~", "||"],
            "contextOverflowPolicy": "rollingWindow",
        },
    )
    used = result.prediction_config
    assert used.max_tokens == 1
    assert used.temperature == 0.5
    assert used.top_k_sampling == 30
    assert used.top_p_sampling == 0.75
    assert used.min_p_sampling == 0.25
    assert used.repeat_penalty == 1.25
    assert used.stop_strings == ["~", "||"]
    assert used.context_overflow_policy == "rollingWindow"


@pytest.mark.embedded  # the app is not known to report settings that it does not use
def test_every_prediction_setting_comes_back(llm: LLM) -> None:
    """A result has every setting of its request, also those without an effect."""
    given = LlmPredictionConfig.from_dict(
        {
            "maxTokens": 1,
            "temperature": 0.5,
            "stopStrings": ["~"],
            "toolCallStopStrings": ["||"],
            "contextOverflowPolicy": "stopAtLimit",
            "structured": {"type": "json", "jsonSchema": {"type": "object"}},
            "topKSampling": 30,
            "repeatPenalty": 1.25,
            "minPSampling": 0.25,
            "topPSampling": 0.75,
            "cpuThreads": 2,
            "promptTemplate": {
                "type": "jinja",
                "jinjaPromptTemplate": {"template": "{{ messages[0].content }}"},
                "stopStrings": [],
            },
            "draftModel": LLM_KEY,
            "speculativeDecodingNumDraftTokensExact": 3,
            "speculativeDecodingMinDraftLengthToConsider": 1,
            "speculativeDecodingMinContinueDraftingProbability": 0.5,
            "reasoningParsing": {"enabled": True, "startString": "<a>", "endString": "</a>"},
        }
    )
    used = (llm.respond(PROMPT, config=given)).prediction_config
    names = set(LlmPredictionConfig.__struct_fields__)
    unset = {name for name in names if getattr(given, name) is None}
    assert unset == {"raw", "raw_tools"}  # for internal use, which the SDK refuses
    for name in sorted(names):
        assert getattr(used, name) == getattr(given, name), name
