"""Every setting that clients know is reported back, with a value of its type."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.server.engine import known_settings
from model_fixtures.server.engine.known_settings import given
from model_fixtures.server.engine.load_config import effective_load_config, sessions_of
from model_fixtures.server.engine.sampling import effective_prediction_config, sampling_from
from model_fixtures.server.protocol.kv_config import Settings

from ..sent_settings import (  # noqa: TID252 (tests are no importable package)
    EMBEDDING_LOAD,
    LLM_LOAD,
    PREDICTION,
    on,
)

PREFIX = "llm.prediction."


def predicted(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the prediction settings that are reported, without their prefix."""
    settings = Settings({PREFIX + key: value for key, value in fields.items()})
    sampling = sampling_from(settings, load_seed=None, stand_in=True)
    reported = effective_prediction_config(settings, sampling)
    return {key.removeprefix(PREFIX): value for key, value in reported.items()}


def loaded(fields: dict[str, Any], *, embedding: bool = False) -> dict[str, Any]:
    """Return the load settings that are reported."""
    return effective_load_config(Settings(fields), embedding=embedding, context_length=512)


@pytest.mark.difference("request-settings")
@pytest.mark.parametrize("key", PREDICTION)
def test_prediction_setting(key: str) -> None:
    """What a request sets comes back, and does not without being set, unless it has a default."""
    assert predicted({key: PREDICTION[key]})[key] == PREDICTION[key]
    assert predicted({}).get(key) != PREDICTION[key]


@pytest.mark.difference("load-settings")
@pytest.mark.parametrize("key", LLM_LOAD)
def test_llm_load_setting(key: str) -> None:
    """What a load sets comes back."""
    assert loaded({key: LLM_LOAD[key]})[key] == LLM_LOAD[key]


@pytest.mark.difference("load-settings")
@pytest.mark.parametrize("key", EMBEDDING_LOAD)
def test_embedding_load_setting(key: str) -> None:
    """What the load of an embedding model sets comes back."""
    assert loaded({key: EMBEDDING_LOAD[key]}, embedding=True)[key] == EMBEDDING_LOAD[key]


def test_tables_are_those_of_the_schemas() -> None:
    """The tables have the keys of the newest client's schemas and no other."""
    assert known_settings.PREDICTION.keys() == PREDICTION.keys()
    assert known_settings.LLM_LOAD.keys() == LLM_LOAD.keys()
    assert known_settings.EMBEDDING_LOAD.keys() == EMBEDDING_LOAD.keys()


@pytest.mark.difference("wrong-settings")
def test_other_keys_stay_out() -> None:
    """Keys that no schema has, and those of the other kind of model, are not reported."""
    assert predicted({"colour": "red"}) == predicted({})
    assert loaded({"llm.load.colour": "red", "embedding.load.seed": on(1)}) == loaded({})
    assert loaded({"llm.load.seed": on(1)}, embedding=True) == loaded({}, embedding=True)


@pytest.mark.difference("wrong-settings")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("reasoning.enableThinking", "yes"),
        ("reasoning.budgetTokens", 100),
        ("reasoning.budgetTokens", {"checked": True}),
        ("reasoning.budgetTokens", on(-1)),
        ("reasoning.parsing", {"enabled": True}),
        ("toolNaming", "kebab"),
        ("toolChoice", {"type": "generic", "mode": "never"}),
        ("tools", [{"type": "function"}]),
        ("structured", {"type": "xml"}),
        ("promptTemplate", {"type": "other"}),
        ("systemPrompt", None),
        ("contextPrefill", ["/file"]),
        ("llama.cpuThreads", 0),
        ("llama.cpuThreads", 1.5),
        ("llama.cpuThreads", True),
        ("speculativeDecoding.minContinueDraftingProbability", 1.5),
        ("speculativeDecoding.draftModel", 5),
        ("vision.userMaxImageDimensionPixels", on("large")),
    ],
)
def test_prediction_value_of_a_wrong_type(key: str, value: object) -> None:
    """A client would refuse the whole report for it, so it is left out."""
    assert predicted({key: value}) == predicted({})


@pytest.mark.difference("wrong-settings")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("envVars", {"PATH": "/bin"}),
        ("envVars", {"HSA_OVERRIDE_GFX_VERSION": 10}),
        ("load.gpuSplitConfig", {"strategy": "evenly"}),
        ("load.gpuStrictVramCap", 1),
        ("llm.load.promptTemplate", {"type": "manual"}),
        ("llm.load.numCpuExpertLayersRatio", "half"),
        ("llm.load.numExperts", -1),
        ("llm.load.seed", 7),
        ("llm.load.llama.kCacheQuantizationType", on("q3")),
        ("llm.load.llama.ropeFrequencyBase", on(False)),
        ("llm.load.llama.acceleration.offloadRatio", 2),
        ("llm.load.llama.physicalBatchSize", 0),
        ("llm.load.llama.argumentsOverride", {"enabled": True}),
        ("llm.load.mlx.kvCacheQuantization", {"enabled": True, "bits": 5}),
        ("llm.load.vllm.gpuMemoryUtilization", 1.5),
        ("llm.load.vllm.toolCallParser", False),
    ],
)
def test_load_value_of_a_wrong_type(key: str, value: object) -> None:
    """It is left out, or its default is reported."""
    assert loaded({key: value}) == loaded({})


@pytest.mark.parametrize(
    ("asked", "sessions"),
    [(1, 1), (2.0, 2), (8, 8), (1000, 8), (0, 1), (1024, 1), (1.5, 1), ("two", 1), (True, 1)],
)
def test_sessions_are_reported_as_applied(asked: object, sessions: int) -> None:
    """Too many sessions are cut down; a number that the setting can't have is the default."""
    key = "llm.load.numParallelSessions"
    assert sessions_of(Settings({key: asked})) == sessions
    assert loaded({key: asked})[key] == sessions
    assert key not in loaded({key: asked}, embedding=True)


def test_integral_floats_are_integers() -> None:
    """A whole number that came as a float goes back as an integer."""
    settings = Settings({"cpuThreads": 2.0, "budget": on(5.0), "share": 1.0})
    reported = given(
        settings,
        {
            "cpuThreads": known_settings.Positive,
            "budget": known_settings.Checkbox[int],
            "share": known_settings.Share,
        },
    )
    assert repr(reported) == repr({"cpuThreads": 2, "budget": on(5), "share": 1.0})


def test_settings_are_reported_as_applied() -> None:
    """What is applied in another way than it was set is reported as it is applied."""
    reported = predicted(
        {
            "logProbs": on(1000),
            "llama.mirostatSampling": {"version": 7, "learningRate": 0.5},
            "llama.logitBias": [[5, 1.5], [True, 1], "nonsense"],
            "llama.presencePenalty": {"checked": True, "value": False},
            "seed": on(-5),
        }
    )
    assert reported["logProbs"] == on(100)
    assert reported["llama.mirostatSampling"] == {
        "version": 0,
        "learningRate": 0.5,
        "targetEntropy": 5.0,
    }
    assert reported["llama.logitBias"] == [[5, 1.5]]
    assert reported["llama.presencePenalty"] == {"checked": False, "value": 0}
    assert reported["seed"] == {"checked": False, "value": -1}


def test_seed_of_loading_is_reported() -> None:
    """A prediction without a seed of its own has that of loading."""
    settings = Settings()
    sampling = sampling_from(settings, load_seed=7, stand_in=False)
    reported = effective_prediction_config(settings, sampling)
    assert reported["llm.prediction.seed"] == on(7)
