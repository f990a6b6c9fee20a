# DO NOT EDIT. Written by scripts/sync_tests.py from
# packages/sdk-tests/tests/async/test_presets_async.py
# Change that, then: hatch run sync:generate
"""Presets: named settings on the host that a prediction can ask for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lmstudio import LLM, Client, LMStudioPresetNotFoundError, PredictionResult
from sdk_tests.faulty_sync import faulty_client
from sdk_tests.grammars import written
from sdk_tests.model_names import JIT_LLM_KEY, LLM_KEY
from sdk_tests.scenarios import ScenarioServer, scenario_server

MISSING = "no-such-preset"


@pytest.mark.models
@pytest.mark.parametrize("method", ["complete", "respond"])
def test_missing_preset(llm: LLM, method: str) -> None:
    """A preset that the host doesn't have is an error with its name; no prediction begins."""
    calls: list[str] = []
    with pytest.raises(LMStudioPresetNotFoundError) as failure:
        getattr(llm, method)("Hello", preset=MISSING, on_first_token=lambda: calls.append("token"))
    assert calls == []
    assert failure.value.server_error is not None
    data = failure.value.server_error.display_data
    assert data is not None
    assert data["code"] == "generic.presetNotFound"
    assert data["specifiedFuzzyPresetIdentifier"] == MISSING


@pytest.mark.models
def test_missing_preset_of_a_stream(client: Client) -> None:
    """A stream raises the error when it is read, and the session goes on."""
    llm = LLM(LLM_KEY, client.llm)
    stream = llm.complete_stream("Hello", preset=MISSING)
    with pytest.raises(LMStudioPresetNotFoundError):
        stream.wait_for_result()
    assert (llm.complete("Hello", config=written("as told"))).content == "as told"


@pytest.mark.models
def test_missing_preset_of_act(llm: LLM) -> None:
    """act() ends with the error before its first round is done."""

    def tool() -> None:
        """Do nothing."""

    rounds: list[int] = []
    with pytest.raises(LMStudioPresetNotFoundError):
        llm.act("Hello", [tool], preset=MISSING, on_round_end=rounds.append)
    assert rounds == []


def write_preset(folder: Path, identifier: str, name: str, **settings: Any) -> None:
    """Write a preset as the app does."""
    fields = [{"key": f"llm.prediction.{key}", "value": value} for key, value in settings.items()]
    preset = {"identifier": identifier, "name": name, "operation": {"fields": fields}}
    file = folder / f"{identifier.rpartition(':')[2]}.preset.json"
    file.write_text(json.dumps(preset), encoding="utf-8")


@pytest.fixture(scope="module")
def presets_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScenarioServer]:
    """A server of our own with two presets."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "config-presets"
    folder.mkdir()
    short = {"maxPredictedTokens": {"checked": True, "value": 3}, "temperature": 0.25}
    write_preset(folder, "@local:short-answers", "Short Answers", **short)
    write_preset(folder, "@local:hot", "Quite Hot", temperature=1.5)
    with scenario_server("--home", str(home)) as server:
        yield server


@pytest.mark.embedded
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["@local:short-answers", "Short Answers", "short-answers", "SHORT ANSWERS", "short"],
)
def test_preset_by_name(presets_host: ScenarioServer, name: str) -> None:
    """A preset is found by identifier, by name, and by what comes close to one of them."""
    result = predicted(presets_host, preset=name)
    assert result.stats.stop_reason == "maxPredictedTokensReached"
    assert result.stats.predicted_tokens_count == 3
    config = result.prediction_config
    assert (config.max_tokens, config.temperature) == (3, 0.25)


@pytest.mark.embedded
@pytest.mark.slow
def test_request_wins_over_the_preset(presets_host: ScenarioServer) -> None:
    """A setting of the request counts more; the preset's other settings stay."""
    result = predicted(presets_host, preset="Short Answers", config={"maxTokens": 2})
    assert result.stats.predicted_tokens_count == 2
    config = result.prediction_config
    assert (config.max_tokens, config.temperature) == (2, 0.25)


@pytest.mark.embedded
@pytest.mark.slow
def test_each_request_has_its_own_preset(presets_host: ScenarioServer) -> None:
    """A preset holds for the request that asks for it, and for no other."""
    hot = predicted(presets_host, preset="hot", config={"maxTokens": 1})
    plain = predicted(presets_host, config={"maxTokens": 1})
    assert hot.prediction_config.temperature == 1.5
    assert plain.prediction_config.temperature != 1.5


@pytest.mark.embedded
@pytest.mark.slow
def test_missing_preset_names_the_others(presets_host: ScenarioServer) -> None:
    """The error for a missing preset lists the ones that are there."""
    with pytest.raises(LMStudioPresetNotFoundError) as failure:
        predicted(presets_host, preset=MISSING)
    assert failure.value.server_error is not None
    data = failure.value.server_error.display_data
    assert data is not None
    assert data["totalAvailablePresets"] == 2
    assert {"identifier": "@local:hot", "name": "Quite Hot"} in data["availablePresetsSample"]


def predicted(host: ScenarioServer, **options: Any) -> PredictionResult:
    """Return the result of a prediction on the server with presets."""
    with faulty_client(host) as client:
        llm = client.llm.model(JIT_LLM_KEY, config={"contextLength": 512})
        return llm.respond("Tell me a long story", **options)
