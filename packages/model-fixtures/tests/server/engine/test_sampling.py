"""Prediction settings on their way to llama.cpp and back."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.server.engine.sampling import (
    STAND_IN_TOKEN_LIMIT,
    Sampling,
    effective_prediction_config,
    sampling_from,
)
from model_fixtures.server.protocol.kv_config import Settings


def sampling(
    fields: dict[str, Any] | None = None,
    *,
    load_seed: int | None = None,
    stand_in: bool = False,
    greedy: bool = False,
) -> Sampling:
    """Return the sampling of fields given without their prefix."""
    prefixed = {f"llm.prediction.{key}": value for key, value in (fields or {}).items()}
    return sampling_from(Settings(prefixed), load_seed=load_seed, stand_in=stand_in, greedy=greedy)


def on(value: Any) -> dict[str, Any]:
    """Return a checked checkbox."""
    return {"checked": True, "value": value}


def test_defaults_are_the_apps() -> None:
    """Without settings llama.cpp gets the app's own defaults."""
    body = sampling().to_llama()
    names = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "seed")
    assert [body[name] for name in names] == [0.8, 40, 0.95, 0.05, 1.1, -1]


@pytest.mark.difference("trained-sampling")
@pytest.mark.parametrize(
    ("fields", "top_k", "penalty"),
    [
        ({}, 1, 1.0),
        ({"temperature": 0.0}, 40, 1.0),
        ({"topKSampling": 5}, 5, 1.0),
        ({"temperature": 0.0, "repeatPenalty": {"checked": True, "value": 1.2}}, 40, 1.2),
    ],
    ids=["nothing", "temperature", "top k", "penalty"],
)
def test_trained_stand_ins_repeat_without_penalty(
    fields: dict[str, Any], top_k: int, penalty: float
) -> None:
    """A model that must repeat names gets no repetition penalty, unless the request sets one."""
    body = sampling(fields, stand_in=True, greedy=True).to_llama()
    assert (body["top_k"], body["repeat_penalty"]) == (top_k, penalty)


def test_options_switched_off_are_neutral() -> None:
    """An unchecked option becomes the value with which llama.cpp does nothing."""
    off = {"checked": False, "value": 0.3}
    body = sampling({"topPSampling": off, "minPSampling": off, "repeatPenalty": off}).to_llama()
    assert (body["top_p"], body["min_p"], body["repeat_penalty"]) == (1.0, 0.0, 1.0)


def test_every_sampling_option_reaches_llama() -> None:
    """Each option ends up under llama.cpp's name for it."""
    body = sampling(
        {
            "temperature": 0.3,
            "topKSampling": 7.0,
            "topPSampling": on(0.5),
            "minPSampling": on(0.2),
            "repeatPenalty": on(1.3),
            "seed": on(42),
            "logProbs": on(5),
            "llama.presencePenalty": on(0.1),
            "llama.frequencyPenalty": on(0.4),
            "llama.locallyTypicalSampling": on(0.6),
            "llama.xtcProbability": on(0.7),
            "llama.xtcThreshold": on(0.25),
            "llama.mirostatSampling": {"version": 2, "learningRate": 0.2, "targetEntropy": 4},
            "llama.logitBias": [[5, 1.5], [6, "-inf"], "nonsense"],
        }
    ).to_llama()
    del body["cache_prompt"]
    assert body == {
        "temperature": 0.3,
        "top_k": 7,
        "top_p": 0.5,
        "min_p": 0.2,
        "repeat_penalty": 1.3,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.4,
        "typical_p": 0.6,
        "xtc_probability": 0.7,
        "xtc_threshold": 0.25,
        "mirostat": 2,
        "mirostat_eta": 0.2,
        "mirostat_tau": 4,
        "logit_bias": [(5, 1.5), (6, False)],
        "n_probs": 5,
        "seed": 42,
    }


@pytest.mark.parametrize(
    ("fields", "load_seed", "reproducible"),
    [
        ({}, None, False),
        ({"temperature": 0}, None, True),
        ({"seed": on(1)}, None, True),
        ({"seed": on(-1)}, 5, False),
        ({}, 5, True),
    ],
)
def test_reproducible_requests_start_with_an_empty_cache(
    fields: dict[str, Any], load_seed: int | None, reproducible: bool
) -> None:
    """With temperature 0 or a seed, cached tokens are not used again."""
    result = sampling(fields, load_seed=load_seed)
    assert result.reproducible is reproducible
    assert result.to_llama()["cache_prompt"] is not reproducible


@pytest.mark.difference("default-token-limit")
@pytest.mark.parametrize(
    ("limit", "stand_in", "expected"),
    [
        (None, True, STAND_IN_TOKEN_LIMIT),
        (None, False, None),
        (on(20), True, 20),
        (on(-1), True, None),
        ({"checked": False, "value": 5}, True, STAND_IN_TOKEN_LIMIT),
        (on(False), False, None),
    ],
)
def test_only_stand_ins_have_a_default_limit(
    limit: Any, stand_in: bool, expected: int | None
) -> None:
    """Without a limit in the request a stand-in gets one; -1 lifts it; real weights have none."""
    fields = {} if limit is None else {"maxPredictedTokens": limit}
    assert sampling(fields, stand_in=stand_in).max_tokens == expected


def test_stop_strings_of_a_prompt_template_are_added() -> None:
    """A template's stop strings come after the request's own."""
    result = sampling({"stopStrings": ["a"], "promptTemplate": {"stopStrings": ["b"]}})
    assert result.stop == ["a", "b"]


@pytest.mark.parametrize(
    ("wanted", "reported", "asked"),
    [(on(0), 0, 1), (on(5), 5, 5), (on(10**9), 100, 100), (on(-1), None, 0), (None, None, 0)],
)
def test_log_probabilities(wanted: Any, reported: int | None, asked: int) -> None:
    """llama.cpp is asked for one likely token at least, and for no more than the app allows."""
    found = sampling({} if wanted is None else {"logProbs": wanted})
    assert (found.log_probs, found.to_llama()["n_probs"]) == (reported, asked)


def test_unknown_overflow_policy_is_the_default() -> None:
    """An unknown policy counts as not set."""
    assert sampling({"contextOverflowPolicy": "explode"}).overflow == "truncateMiddle"


def test_effective_config_reports_what_was_applied() -> None:
    """Defaults and the request's values are reported; unchecked options stay visible."""
    settings = Settings(
        {
            "llm.prediction.temperature": 0.0,
            "llm.prediction.maxPredictedTokens": on(9),
            "llm.prediction.topPSampling": {"checked": False, "value": 0.1},
        }
    )
    fields = effective_prediction_config(
        settings, sampling_from(settings, load_seed=None, stand_in=True)
    )
    assert fields == {
        "llm.prediction.temperature": 0.0,
        "llm.prediction.maxPredictedTokens": on(9),
        "llm.prediction.stopStrings": [],
        "llm.prediction.toolCallStopStrings": [],
        "llm.prediction.contextOverflowPolicy": "truncateMiddle",
        "llm.prediction.topKSampling": 40,
        "llm.prediction.topPSampling": {"checked": False, "value": 1.0},
        "llm.prediction.minPSampling": on(0.05),
        "llm.prediction.repeatPenalty": on(1.1),
    }
