"""Loading, unloading and time-to-live, as they look on the wire."""

from __future__ import annotations

import os
import signal
from typing import Any

import anyio
import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.server.engine.worker_process import STAGES
from model_fixtures.wire_client import ChannelError, Connection, connect

from .talking import (
    EMPTY_STACK,
    MODEL,
    WITHOUT_END,
    limit,
    load,
    loaded,
    predict,
    prediction,
    stack,
    text_of,
    workers_of,
)

pytestmark = pytest.mark.anyio
EMBEDDING = "text-embedding-nomic-embed-text-v1.5"
OTHER = "smollm2-135m-instruct"


async def get_or_load(connection: Connection, name: str, **more: Any) -> list[dict[str, Any]]:
    """Return all packets of a load just in time."""
    parameter = {"identifier": name, "loadConfigStack": EMPTY_STACK, **more}
    async with connection.channel("getOrLoad", parameter) as channel:
        return [packet async for packet in channel]


@pytest.mark.difference("load-progress")
async def test_packets_of_a_load(address: str) -> None:
    """A load sends `resolved`, rising progress from 0 to 1, and `success` last."""
    async with connect(address, "llm") as llm:
        parameter = {"modelKey": MODEL, "loadConfigStack": EMPTY_STACK}
        async with llm.channel("loadModel", parameter) as channel:
            packets = [packet async for packet in channel]
        await llm.rpc("unloadModel", {"identifier": packets[-1]["info"]["identifier"]})
    assert packets[0]["type"] == "resolved"
    assert "ambiguous" not in packets[0]
    shares = [packet["progress"] for packet in packets[1:-1]]
    assert shares[0] == 0
    assert shares[-1] == 1
    assert shares == sorted(set(shares))
    assert set(shares) <= {0, *(share for _, share in STAGES), 1}
    assert packets[-1]["type"] == "success"
    assert packets[-1]["info"]["ttlMs"] is None
    assert packets[-1]["info"]["contextLength"] == 4096


async def test_unloading_ends_the_worker(server: EmbeddedServer) -> None:
    """Each instance has its own process, which has ended when the unload is answered."""
    async with connect(server.address, "llm") as llm:
        before = workers_of(server)
        first, second = await load(llm), await load(llm)
        assert first["identifier"] == MODEL
        assert second["identifier"] == f"{MODEL}:2"
        assert len(workers_of(server) - before) == 2
        await llm.rpc("unloadModel", {"identifier": first["identifier"]})
        assert len(workers_of(server) - before) == 1
        await llm.rpc("unloadModel", {"identifier": second["identifier"]})
        assert workers_of(server) == before


async def test_cancelled_load_frees_everything(server: EmbeddedServer) -> None:
    """A load that the client cancels ends with an error and leaves no process and no identifier."""
    async with connect(server.address, "llm") as llm:
        before = workers_of(server)
        parameter = {"modelKey": MODEL, "loadConfigStack": EMPTY_STACK, "identifier": "half"}
        async with llm.channel("loadModel", parameter) as channel:
            await channel.cancel()
            with pytest.raises(ChannelError, match="cancelled"):
                async for _ in channel:
                    pass
        assert workers_of(server) == before
        assert "half" not in [info["identifier"] for info in await llm.rpc("listLoaded")]
        assert (await load(llm, "half"))["identifier"] == "half"
        await llm.rpc("unloadModel", {"identifier": "half"})


async def test_crash_costs_one_instance(server: EmbeddedServer) -> None:
    """A worker that dies takes only its own instance with it; the other works on."""
    async with connect(server.address, "llm") as llm, loaded(llm) as survivor:
        before = workers_of(server)
        async with loaded(llm) as victim:
            (pid,) = workers_of(server) - before
            request = prediction("Tell me a story.", WITHOUT_END, victim)
            async with llm.channel("predict", request) as channel:
                with pytest.raises(ChannelError, match="crashed"):  # noqa: PT012
                    async for packet in channel:
                        if packet["type"] == "fragment":
                            os.kill(pid, signal.SIGSEGV)
            with anyio.fail_after(5):
                while len(await llm.rpc("listLoaded")) > 1:
                    await anyio.sleep(0.02)
        assert (await predict(llm, "Hi", limit(2), survivor))[-1]["type"] == "success"


async def test_unload_while_predicting(address: str) -> None:
    """Unloading ends a running prediction with the reason `modelUnloaded`, not with an error."""
    async with connect(address, "llm") as llm, loaded(llm) as identifier:
        request = prediction("Tell me a story.", WITHOUT_END, identifier)
        async with llm.channel("predict", request) as channel:
            packets: list[dict[str, Any]] = []
            async for packet in channel:
                if packet["type"] == "fragment" and packets[-1]["type"] != "fragment":
                    await llm.rpc("unloadModel", {"identifier": identifier})
                packets.append(packet)
    assert packets[-1]["type"] == "success"
    assert packets[-1]["stats"]["stopReason"] == "modelUnloaded"


async def test_idle_instance_expires_and_explicit_one_stays(address: str) -> None:
    """At the end of its time-to-live an idle instance unloads; one without lives on."""
    async with connect(address, "llm") as llm, loaded(llm) as lasting:
        await load(llm, "brief", ttlMs=300)
        with anyio.fail_after(10):
            while "brief" in [info["identifier"] for info in await llm.rpc("listLoaded")]:
                await anyio.sleep(0.05)
        assert [info["identifier"] for info in await llm.rpc("listLoaded")] == [lasting]


async def test_concurrent_get_or_load_loads_once(server: EmbeddedServer) -> None:
    """Clients that ask for one model at the same time share one load, and all see it finish."""
    async with connect(server.address, "llm") as llm:
        before = workers_of(server)
        results: list[list[dict[str, Any]]] = []

        async def ask() -> None:
            async with connect(server.address, "llm") as other:
                results.append(await get_or_load(other, MODEL))

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(ask)
        assert len(workers_of(server) - before) == 1
        references = {packets[-1]["info"]["instanceReference"] for packets in results}
        assert len(references) == 1
        await llm.rpc("unloadModel", {"identifier": MODEL})


async def test_jit_instances_evict_one_another(address: str) -> None:
    """A load just in time unloads the previous one, also in the other namespace, and says so."""
    async with (
        connect(address, "llm") as llm,
        connect(address, "embedding") as embedding,
        loaded(llm) as explicit,
    ):
        await get_or_load(embedding, EMBEDDING)
        packets = await get_or_load(llm, OTHER)
        notices = [packet for packet in packets if packet["type"] == "unloadingOtherJITModel"]
        assert [notice["info"]["modelKey"] for notice in notices] == [EMBEDDING]
        assert packets[0] == {
            "type": "startLoading",
            "identifier": OTHER,
            "info": packets[0]["info"],
        }
        assert packets[-1]["type"] == "loadSuccess"
        assert packets[-1]["info"]["ttlMs"] == 3_600_000
        assert await embedding.rpc("listLoaded") == []
        left = {instance["identifier"] for instance in await llm.rpc("listLoaded")}
        assert left == {explicit, OTHER}
        await llm.rpc("unloadModel", {"identifier": OTHER})


async def test_clients_that_take_turns_with_two_models(address: str) -> None:
    """A model that was loaded just in time can be used, however many clients ask for another."""
    served: list[str] = []

    async def client(*names: str) -> None:
        async with connect(address, "llm") as llm:
            for name in names:
                await get_or_load(llm, name)
                packets = await predict(llm, "Hi", limit(3), name)
                served.append(packets[-1]["stats"]["stopReason"])

    with anyio.fail_after(300):
        async with anyio.create_task_group() as tasks:
            for number in range(6):
                order = (MODEL, OTHER, MODEL) if number % 2 else (OTHER, MODEL, OTHER)
                tasks.start_soon(client, *order)
    assert served == ["maxPredictedTokensReached"] * 18
    async with connect(address, "llm") as llm:
        for info in await llm.rpc("listLoaded"):
            await llm.rpc("unloadModel", {"identifier": info["identifier"]})


async def test_get_or_load_of_what_is_loaded(address: str) -> None:
    """A loaded instance is found at once, its settings and time-to-live unchanged."""
    async with connect(address, "llm") as llm, loaded(llm, context=512) as identifier:
        (packet,) = await get_or_load(
            llm,
            identifier,
            loadTtlMs=5000,
        )
        assert packet["type"] == "alreadyLoaded"
        assert packet["info"]["contextLength"] == 512
        assert packet["info"]["ttlMs"] is None


@pytest.mark.difference("equal-answers")
async def test_equal_requests_give_equal_texts(address: str) -> None:
    """At temperature 0, or with a seed, equal requests produce equal texts."""
    seeded = stack(
        llm__prediction__maxPredictedTokens={"checked": True, "value": 12},
        llm__prediction__seed={"checked": True, "value": 7},
    )
    async with connect(address, "llm") as llm, loaded(llm) as identifier:
        for config in (limit(12), seeded):
            texts = set()
            for other in ("Name a colour.", "Something else entirely."):
                packets = await predict(llm, "Say something.", config, identifier)
                texts.add(text_of(packets))
                await predict(llm, other, limit(3), identifier)
            assert len(texts) == 1
