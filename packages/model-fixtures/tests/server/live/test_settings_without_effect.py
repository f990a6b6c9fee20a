"""Settings that are accepted and change nothing, because nothing here could follow them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any

import pytest
from model_fixtures.wire_client import Connection, connect

from .talking import load, loaded, prediction, stack, text_of

pytestmark = pytest.mark.anyio
# With a seed each setting that had an effect on sampling would change the text.
SEEDED: dict[str, Any] = {
    "llm__prediction__maxPredictedTokens": {"checked": True, "value": 16},
    "llm__prediction__temperature": 1.5,
    "llm__prediction__seed": {"checked": True, "value": 7},
}
GPU: dict[str, Any] = {
    "llm.load.llama.acceleration.offloadRatio": 0.25,
    "llm.load.offloadKVCacheToGpu": False,
    "load.gpuStrictVramCap": True,
    "load.gpuSplitConfig": {
        "strategy": "priorityOrder",
        "disabledGpus": [1],
        "priority": [0],
        "customRatio": [1],
    },
}


@pytest.fixture(scope="module")
async def identifier(llm: Connection) -> AsyncIterator[str]:
    """Provide a loaded instance."""
    async with loaded(llm) as name:
        yield name


def values(config: dict[str, Any]) -> dict[str, Any]:
    """Return the reported settings by their keys."""
    return {field["key"]: field["value"] for field in config["fields"]}


async def told(
    llm: Connection, identifier: str, config: dict[str, Any], **more: Any
) -> tuple[str, dict[str, Any]]:
    """Return the text of a prediction, and its last packet."""
    request = {**prediction("Tell me a story.", config, identifier), **more}
    async with llm.channel("predict", request) as channel:
        packets = [packet async for packet in channel]
    return text_of(packets), packets[-1]


@pytest.mark.difference("gpu")
async def test_gpu(llm: Connection, identifier: str) -> None:
    """GPU settings are reported as they were sent; no layer is on a GPU, and texts are equal."""
    config = stack(**{"llm.load.contextLength": 2048, **GPU})
    other = (await load(llm, "for-gpu", loadConfigStack=config))["identifier"]
    plain, _ = await told(llm, identifier, stack(**SEEDED))
    text, end = await told(llm, other, stack(**SEEDED))
    query = {"specifier": {"type": "query", "query": {"identifier": other}}}
    asked = values(await llm.rpc("getLoadConfig", query))
    await llm.rpc("unloadModel", {"identifier": other})
    for reported in (asked, values(end["loadModelConfig"])):
        assert {key: reported[key] for key in GPU} == GPU
    assert end["stats"]["numGpuLayers"] == 0
    assert text == plain != ""


@pytest.mark.difference("request-settings")
async def test_threads_of_a_request(llm: Connection, identifier: str) -> None:
    """A number of threads is reported back, and the text is the same."""
    plain, before = await told(llm, identifier, stack(**SEEDED))
    config = stack(**SEEDED, llm__prediction__llama__cpuThreads=3)
    text, end = await told(llm, identifier, config)
    key = "llm.prediction.llama.cpuThreads"
    assert values(end["predictionConfig"])[key] == 3
    assert key not in values(before["predictionConfig"])
    assert text == plain != ""


@pytest.mark.difference("request-settings")
async def test_tail_free_sampling(llm: Connection, identifier: str) -> None:
    """The strictest tail-free sampling, which would leave only likely tokens, changes nothing."""
    plain, _ = await told(llm, identifier, stack(**SEEDED))
    strict = {"checked": True, "value": 0.01}
    config = stack(**SEEDED, llm__prediction__llama__tailFreeSampling=strict)
    text, _ = await told(llm, identifier, config)
    assert text == plain != ""


@pytest.mark.difference("server-session-settings")
async def test_settings_of_a_server_session(llm: Connection, identifier: str) -> None:
    """Whether a request ignores the settings of a server session or not, its own ones apply."""
    config = stack(**SEEDED)
    results = [
        await told(llm, identifier, config, ignoreServerSessionConfig=ignored)
        for ignored in (True, False)
    ]
    assert len({text for text, _ in results}) == 1
    first, second = (values(end["predictionConfig"]) for _, end in results)
    assert first == second


@pytest.mark.difference("system-version")
async def test_version(address: str) -> None:
    """The version is that of this package, and the build is 0."""
    async with connect(address, "system") as system:
        reported = await system.rpc("version")
    assert reported == {"version": version("lmstudio-model-fixtures"), "build": 0}
