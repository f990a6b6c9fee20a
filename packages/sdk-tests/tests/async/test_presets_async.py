"""Presets: named settings on the host that a prediction can request."""

from collections.abc import AsyncIterator

import pytest
from lmstudio import AsyncClient, AsyncLLM, LMStudioPresetNotFoundError
from sdk_tests.forced_outputs import written
from sdk_tests.model_names import LLM_KEY
from sdk_tests.scenarios import ScenarioServer

pytestmark = pytest.mark.anyio

MISSING = "no-such-preset"
STORY = "Tell me a long story"


@pytest.mark.models
@pytest.mark.parametrize("method", ["complete", "respond"])
async def test_missing_preset(llm: AsyncLLM, method: str) -> None:
    """A preset that the host lacks raises an error with its name, and no prediction begins."""
    calls: list[str] = []
    with pytest.raises(LMStudioPresetNotFoundError) as failure:
        await getattr(llm, method)(
            "Hello", preset=MISSING, on_first_token=lambda: calls.append("token")
        )
    assert calls == []
    assert failure.value.server_error is not None
    data = failure.value.server_error.display_data
    assert data is not None
    assert data["code"] == "generic.presetNotFound"
    assert data["specifiedFuzzyPresetIdentifier"] == MISSING


@pytest.mark.models
async def test_missing_preset_of_a_stream(client: AsyncClient) -> None:
    """A stream with a missing preset raises the error when it is read; the session stays usable."""
    llm = AsyncLLM(LLM_KEY, client.llm)
    stream = await llm.complete_stream("Hello", preset=MISSING)
    with pytest.raises(LMStudioPresetNotFoundError):
        await stream.wait_for_result()
    assert (await llm.complete("Hello", config=written("as told"))).content == "as told"


@pytest.mark.models
async def test_missing_preset_of_act(llm: AsyncLLM) -> None:
    """act() with a missing preset raises the error before its first round ends."""

    def tool() -> None:
        """Do nothing."""

    rounds: list[int] = []
    with pytest.raises(LMStudioPresetNotFoundError):
        await llm.act("Hello", [tool], preset=MISSING, on_round_end=rounds.append)
    assert rounds == []


@pytest.fixture
async def preset_llm(scenario_host: ScenarioServer, scenario_model: str) -> AsyncIterator[AsyncLLM]:
    """Provide an LLM on an embedded server that has two presets."""
    async with AsyncClient(scenario_host.address) as client:
        yield AsyncLLM(scenario_model, client.llm)


@pytest.mark.embedded
@pytest.mark.parametrize(
    "name",
    ["@local:short-answers", "Short Answers", "short-answers", "SHORT ANSWERS", "short"],
)
async def test_preset_by_name(preset_llm: AsyncLLM, name: str) -> None:
    """A preset is found by its identifier, by its name, and by text that is close to either."""
    result = await preset_llm.respond(STORY, preset=name)
    assert result.stats.stop_reason == "maxPredictedTokensReached"
    assert result.stats.predicted_tokens_count == 3
    config = result.prediction_config
    assert (config.max_tokens, config.temperature) == (3, 0.25)


@pytest.mark.embedded
async def test_request_wins_over_the_preset(preset_llm: AsyncLLM) -> None:
    """A setting in the request replaces the preset's, whose other settings still apply."""
    result = await preset_llm.respond(STORY, preset="Short Answers", config={"maxTokens": 2})
    assert result.stats.predicted_tokens_count == 2
    config = result.prediction_config
    assert (config.max_tokens, config.temperature) == (2, 0.25)


@pytest.mark.embedded
async def test_each_request_has_its_own_preset(preset_llm: AsyncLLM) -> None:
    """A preset applies only to the request that names it."""
    hot = await preset_llm.respond(STORY, preset="hot", config={"maxTokens": 1})
    plain = await preset_llm.respond(STORY, config={"maxTokens": 1})
    assert hot.prediction_config.temperature == 1.5
    assert plain.prediction_config.temperature != 1.5


@pytest.mark.embedded
async def test_missing_preset_names_the_others(preset_llm: AsyncLLM) -> None:
    """The error for a missing preset lists the presets that the host has."""
    with pytest.raises(LMStudioPresetNotFoundError) as failure:
        await preset_llm.respond(STORY, preset=MISSING)
    assert failure.value.server_error is not None
    data = failure.value.server_error.display_data
    assert data is not None
    assert data["totalAvailablePresets"] == 2
    assert {"identifier": "@local:hot", "name": "Quite Hot"} in data["availablePresetsSample"]
