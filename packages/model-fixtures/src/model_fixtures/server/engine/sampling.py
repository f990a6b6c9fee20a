"""Prediction settings: from key-value fields to llama.cpp's sampling parameters and back."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from model_fixtures.server.protocol.kv_config import Settings, checkbox

from .known_settings import PREDICTION, given

PREFIX = "llm.prediction."
OVERFLOW_POLICIES = {"stopAtLimit", "truncateMiddle", "rollingWindow"}
MIROSTAT_VERSIONS = {0, 1, 2}  # 0 = off
# A small stand-in rambles on where a real model would end its answer.
STAND_IN_TOKEN_LIMIT = 512
MOST_LOG_PROBS = 100  # the limit of the app


class Sampling(Struct, frozen=True, kw_only=True):
    """The sampling parameters of a prediction."""

    temperature: float
    top_k: int
    top_p: float | None
    min_p: float | None
    repeat_penalty: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    typical_p: float | None
    xtc_probability: float | None
    xtc_threshold: float | None
    mirostat: int
    mirostat_eta: float
    mirostat_tau: float
    logit_bias: list[tuple[int, float | bool]]
    seed: int | None
    max_tokens: int | None
    stop: list[str]
    tool_stop: list[str]
    overflow: str
    # How many of the likeliest tokens to report for each token; 0 = only the chosen one.
    log_probs: int | None

    @property
    def reproducible(self) -> bool:
        """Whether an equal request must produce the same text."""
        return self.temperature == 0 or self.seed is not None

    def to_llama(self) -> dict[str, Any]:
        """Return the parameters of llama.cpp's `/completion`, without prompt, stops and limit."""
        return {
            "temperature": self.temperature,
            "top_k": max(0, self.top_k),
            "top_p": 1.0 if self.top_p is None else self.top_p,
            "min_p": 0.0 if self.min_p is None else self.min_p,
            "repeat_penalty": max(0.0, self.repeat_penalty or 0.0) or 1.0,
            "presence_penalty": self.presence_penalty or 0.0,
            "frequency_penalty": self.frequency_penalty or 0.0,
            "typical_p": 1.0 if self.typical_p is None else self.typical_p,
            "xtc_probability": self.xtc_probability or 0.0,
            "xtc_threshold": 0.1 if self.xtc_threshold is None else self.xtc_threshold,
            "mirostat": self.mirostat,
            "mirostat_eta": self.mirostat_eta,
            "mirostat_tau": self.mirostat_tau,
            "logit_bias": self.logit_bias,
            # llama.cpp reports the chosen token only beside at least one likely token.
            "n_probs": 0 if self.log_probs is None else max(1, self.log_probs),
            "seed": -1 if self.seed is None else self.seed,
            # Cached tokens were computed in batches of another size, which can change the last
            # bits of a logit. If the text must be the same, only `preamble_cache` keeps tokens.
            "cache_prompt": not self.reproducible,
        }


def sampling_from(
    settings: Settings, *, load_seed: int | None, stand_in: bool, greedy: bool = False
) -> Sampling:
    """Return the sampling of a request.

    Args:
        settings: the merged prediction configuration.
        load_seed: the seed that the model was loaded with, used if the request has none.
        stand_in: whether the model is a stand-in, which gets a token limit if the request has none.
        greedy: whether the model was trained for output without a repetition penalty and, unless
            the request sets a temperature, with the likeliest token each time.
    """
    checked = settings.checked
    likeliest = greedy and PREFIX + "temperature" not in settings.keys()  # noqa: SIM118 (no mapping)
    seed = checked(PREFIX + "seed", None)
    limit = checked(PREFIX + "maxPredictedTokens", None)
    log_probs = checked(PREFIX + "logProbs", None)
    max_tokens = int(limit) if limit is not None and limit >= 1 else None
    unlimited = limit is not None and limit < 0
    mirostat = settings.mapping(PREFIX + "llama.mirostatSampling")
    version = Settings(mirostat).integer("version", 0)
    template = settings.mapping(PREFIX + "promptTemplate")
    overflow = settings.text(PREFIX + "contextOverflowPolicy", "truncateMiddle")
    stops = settings.texts(PREFIX + "stopStrings")
    stops += Settings(template).texts("stopStrings")
    return Sampling(
        temperature=max(0.0, settings.number(PREFIX + "temperature", 0.8)),
        top_k=settings.integer(PREFIX + "topKSampling", 1 if likeliest else 40),
        top_p=checked(PREFIX + "topPSampling", 0.95),
        min_p=checked(PREFIX + "minPSampling", 0.05),
        repeat_penalty=checked(PREFIX + "repeatPenalty", None if greedy else 1.1),
        presence_penalty=checked(PREFIX + "llama.presencePenalty", None),
        frequency_penalty=checked(PREFIX + "llama.frequencyPenalty", None),
        typical_p=checked(PREFIX + "llama.locallyTypicalSampling", None),
        xtc_probability=checked(PREFIX + "llama.xtcProbability", None),
        xtc_threshold=checked(PREFIX + "llama.xtcThreshold", None),
        mirostat=version if version in MIROSTAT_VERSIONS else 0,
        mirostat_eta=Settings(mirostat).number("learningRate", 0.1),
        mirostat_tau=Settings(mirostat).number("targetEntropy", 5.0),
        logit_bias=_logit_bias(settings.sequence(PREFIX + "llama.logitBias")),
        seed=_seed(seed) if seed is not None else load_seed,
        max_tokens=STAND_IN_TOKEN_LIMIT
        if max_tokens is None and stand_in and not unlimited
        else max_tokens,
        stop=stops,
        tool_stop=settings.texts(PREFIX + "toolCallStopStrings"),
        overflow=overflow if overflow in OVERFLOW_POLICIES else "truncateMiddle",
        log_probs=None
        if log_probs is None or log_probs < 0
        else min(int(log_probs), MOST_LOG_PROBS),
    )


def effective_prediction_config(settings: Settings, sampling: Sampling) -> dict[str, Any]:
    """Return the fields that a prediction reports: the request's over the defaults, as applied."""
    fields = given(settings, PREDICTION, PREFIX)
    applied: dict[str, Any] = {
        "temperature": sampling.temperature,
        "maxPredictedTokens": checkbox(sampling.max_tokens, 1000),
        "stopStrings": settings.texts(PREFIX + "stopStrings"),
        "toolCallStopStrings": sampling.tool_stop,
        "contextOverflowPolicy": sampling.overflow,
        "topKSampling": sampling.top_k,
        "topPSampling": checkbox(sampling.top_p, 1.0),
        "minPSampling": checkbox(sampling.min_p, 0.0),
        "repeatPenalty": checkbox(sampling.repeat_penalty, 1.0),
    }
    asked: dict[str, Any] = {
        "seed": checkbox(sampling.seed, -1),
        "logProbs": checkbox(sampling.log_probs),
        "llama.presencePenalty": checkbox(sampling.presence_penalty),
        "llama.frequencyPenalty": checkbox(sampling.frequency_penalty),
        "llama.locallyTypicalSampling": checkbox(sampling.typical_p, 1.0),
        "llama.xtcProbability": checkbox(sampling.xtc_probability),
        "llama.xtcThreshold": checkbox(sampling.xtc_threshold, 0.1),
        "llama.mirostatSampling": {
            "version": sampling.mirostat,
            "learningRate": sampling.mirostat_eta,
            "targetEntropy": sampling.mirostat_tau,
        },
        "llama.logitBias": [
            [token, "-inf" if bias is False else bias] for token, bias in sampling.logit_bias
        ],
    }
    applied |= {key: value for key, value in asked.items() if PREFIX + key in settings.keys()}  # noqa: SIM118 (no mapping)
    if sampling.seed is not None:
        applied["seed"] = asked["seed"]  # that of loading, if the request has none
    return fields | {PREFIX + key: value for key, value in applied.items()}


def _seed(value: float) -> int | None:
    return int(value) if value >= 0 else None


def _logit_bias(pairs: list[Any]) -> list[tuple[int, float | bool]]:
    biases: list[tuple[int, float | bool]] = []
    for pair in pairs:
        match pair:
            case [bool(), _]:
                pass  # no number
            case [int(token), "-inf"]:
                biases.append((token, False))  # llama.cpp: false = never
            case [int(token), (int() | float()) as bias] if not isinstance(bias, bool):
                biases.append((token, bias))
    return biases
