"""Fixtures for tests that make the host misbehave; tests/conftest.py imports them."""

import asyncio
from collections.abc import Iterator

import pytest
from model_fixtures.wire_client import connect

from .model_names import LLM_KEY
from .preset_files import write_presets
from .scenarios import ScenarioServer, scenario_server


@pytest.fixture(scope="session")
def scenario_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScenarioServer]:
    """Provide an embedded server that has two presets and can be told to misbehave."""
    home = tmp_path_factory.mktemp("home")
    write_presets(home)
    with scenario_server("--home", str(home)) as server:
        yield server


@pytest.fixture(scope="session")
def scenario_model(scenario_host: ScenarioServer) -> str:
    """Provide the identifier of an LLM that is loaded on `scenario_host`."""

    async def load() -> None:
        field = {"key": "llm.load.contextLength", "value": 1024}
        layer = {"layerName": "apiOverride", "config": {"fields": [field]}}
        request = {"modelKey": LLM_KEY, "loadConfigStack": {"layers": [layer]}}
        async with (
            connect(scenario_host.address, "llm") as connection,
            connection.channel("loadModel", request) as channel,
        ):
            assert "success" in [packet["type"] async for packet in channel]

    asyncio.run(load())
    return LLM_KEY
