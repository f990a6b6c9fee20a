"""What `llm` and `embedding` tell of models: state, settings, and which machine has them."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.wire_client import ChannelError, Connection, RpcError, connect

from .talking import EMPTY_STACK, MODEL, WITHOUT_END, limit, loaded, prediction, stack

pytestmark = pytest.mark.anyio

EMBEDDING = "text-embedding-nomic-embed-text-v1.5"
LONG = "All work and no play makes Jack a dull boy. " * 25  # takes a while to process


def named(identifier: str, **more: Any) -> dict[str, Any]:
    """Return a specifier that names an instance."""
    return {"type": "query", "query": {"identifier": identifier, **more}}


async def state_of(llm: Connection, identifier: str) -> Any:
    """Return what an instance does."""
    parameter = {"specifier": named(identifier), "throwIfNotFound": True}
    return await llm.rpc("getInstanceProcessingState", parameter)


async def test_processing_state(llm: Connection, address: str) -> None:
    """An instance is idle, then reads the prompt, then generates; another request waits."""
    async with loaded(llm) as identifier:
        assert await state_of(llm, identifier) == {"status": "idle", "queued": 0}
        request = prediction(LONG, WITHOUT_END, identifier)
        async with llm.channel("predict", request) as first:
            assert (await first.__anext__())["type"] == "promptProcessingProgress"
            reading = {"status": "processingPrompt", "queued": 0}
            assert await state_of(llm, identifier) == reading
            async for packet in first:
                if packet["type"] == "fragment":
                    break
            assert await state_of(llm, identifier) == {"status": "generating", "queued": 0}
            async with llm.channel("predict", prediction("Hi", limit(1), identifier)) as second:
                assert (await second.__anext__())["type"] == "promptProcessingProgress"
                assert await state_of(llm, identifier) == {"status": "generating", "queued": 1}
                await first.send({"type": "cancel"})
                assert [packet async for packet in first][-1]["type"] == "success"
                assert [packet async for packet in second][-1]["type"] == "success"
        assert await state_of(llm, identifier) == {"status": "idle", "queued": 0}


async def test_state_of_an_unknown_instance(llm: Connection) -> None:
    """A query that nothing matches has no state, and is an error only if that is asked for."""
    parameter: dict[str, Any] = {"specifier": named("nobody"), "throwIfNotFound": False}
    assert await llm.rpc("getInstanceProcessingState", parameter) is None
    with pytest.raises(RpcError, match="No loaded model satisfies the query"):
        await state_of(llm, "nobody")


async def test_embedding_has_no_prediction_settings(address: str) -> None:
    """The base settings of an embedding model are empty; those of a missing one are an error."""
    async with connect(address, "embedding") as embedding:
        loading = {"modelKey": EMBEDDING, "identifier": "vectors", "loadConfigStack": EMPTY_STACK}
        async with embedding.channel("loadModel", loading) as channel:
            assert [packet async for packet in channel][-1]["type"] == "success"
        asked = {"specifier": named("vectors")}
        assert await embedding.rpc("getBasePredictionConfig", asked) == {"fields": []}
        await embedding.rpc("unloadModel", {"identifier": "vectors", "deviceIdentifier": None})
        with pytest.raises(RpcError, match="No loaded model satisfies the query"):
            await embedding.rpc("getBasePredictionConfig", asked)


@pytest.mark.parametrize(
    ("endpoint", "more"),
    [("loadModel", {"modelKey": MODEL}), ("getOrLoad", {"identifier": MODEL})],
)
@pytest.mark.difference("no-hub")
async def test_load_on_another_device(llm: Connection, endpoint: str, more: dict[str, Any]) -> None:
    """Nothing is loaded for a device that is not linked."""
    parameter = {**more, "loadConfigStack": EMPTY_STACK, "deviceIdentifier": "desk"}
    async with llm.channel(endpoint, parameter) as channel:
        with pytest.raises(ChannelError, match="No device desk is linked"):
            await channel.__anext__()
    assert await llm.rpc("listLoaded") == []


async def test_estimate_counts_the_context(llm: Connection) -> None:
    """SmolLM2 caches 30 layers of 3 keys and 3 values, of 64 numbers each, for every token."""

    async def context_bytes(**fields: Any) -> int:
        parameter = {"modelKey": MODEL, "loadConfigStack": stack(**fields)}
        memory = (await llm.rpc("estimateModelUsage", parameter))["memory"]
        assert memory["totalBytes"] == memory["modelBytes"] + memory["contextBytes"]
        return int(memory["contextBytes"])

    token = 30 * 3 * 64 * 2 * 2  # bytes, as 16-bit floats
    assert await context_bytes(llm__load__contextLength=512) == 512 * token
    assert await context_bytes() == 4096 * token
    three = await context_bytes(llm__load__contextLength=512, llm__load__numParallelSessions=3)
    assert three == 3 * 512 * token
    smaller = {"checked": True, "value": "q8_0"}  # 34 bytes for 32 numbers
    quantized = await context_bytes(
        llm__load__contextLength=512,
        llm__load__llama__kCacheQuantizationType=smaller,
        llm__load__llama__vCacheQuantizationType=smaller,
    )
    assert quantized == 512 * 30 * 3 * 64 * 2 * 34 // 32


@pytest.mark.difference("no-hub")
async def test_estimate_for_another_device(llm: Connection) -> None:
    """Memory is estimated for this machine only."""
    parameter = {"modelKey": MODEL, "loadConfigStack": EMPTY_STACK, "deviceIdentifier": None}
    assert (await llm.rpc("estimateModelUsage", parameter))["passesGuardrails"] is True
    with pytest.raises(RpcError, match="No device desk is linked"):
        await llm.rpc("estimateModelUsage", {**parameter, "deviceIdentifier": "desk"})


@pytest.mark.difference("no-hub")
async def test_instances_of_another_device(llm: Connection) -> None:
    """An instance here matches no query for another device, and cannot be unloaded there."""
    elsewhere = {"deviceIdentifier": "desk"}
    async with loaded(llm) as identifier:
        asked = {"specifier": named(identifier, **elsewhere), "throwIfNotFound": True}
        with pytest.raises(RpcError) as caught:
            await llm.rpc("getModelInfo", asked)
        assert caught.value.error["displayData"] == {
            "code": "generic.noModelMatchingQuery",
            "query": {"domain": "llm", "identifier": identifier, **elsewhere},
            "loadedModelsSample": [identifier],
            "totalLoadedModels": 1,
        }
        assert "No device desk is linked" in caught.value.error["cause"]
        assert await llm.rpc("getModelInfo", {**asked, "throwIfNotFound": False}) is None
        with pytest.raises(RpcError, match="No loaded model satisfies the query"):
            await llm.rpc("unloadModel", {"identifier": identifier, **elsewhere})
        here = {"specifier": named(identifier, deviceIdentifier=None), "throwIfNotFound": True}
        assert (await llm.rpc("getModelInfo", here))["deviceIdentifier"] is None
