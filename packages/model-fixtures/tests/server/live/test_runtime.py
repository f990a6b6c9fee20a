"""The `runtime` namespace: the engine that runs the models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any

import psutil
import pytest
from model_fixtures.wire_client import ChannelError, Connection, RpcError, connect

pytestmark = pytest.mark.anyio

OURS = {"name": "xllamacpp", "version": version("xllamacpp")}
OTHER = {"name": "mlx-llm", "version": "1.0.0"}


@pytest.fixture(scope="module")
async def runtime(address: str) -> AsyncIterator[Connection]:
    """Provide a connection to the `runtime` namespace."""
    async with connect(address, "runtime") as connection:
        yield connection


@pytest.mark.difference("runtime")
async def test_engines(runtime: Connection) -> None:
    """There is one engine, llama.cpp, and it runs GGUF files."""
    (engine,) = await runtime.rpc("listEngines")
    assert engine.pop("cpu")["architecture"] in {"x86_64", "ARM64", "unknown"}
    assert isinstance(engine.pop("platform"), str)
    assert engine == {**OURS, "engine": "llama.cpp", "supportedModelFormatNames": ["GGUF"]}


async def test_selections(runtime: Connection) -> None:
    """The engine is selected for GGUF; the answer is a map in superjson."""
    nothing = {"json": None, "meta": {"values": ["undefined"]}}  # as the JavaScript SDK sends it
    selections = await runtime.rpc("getEngineSelections", nothing)
    assert selections == await runtime.rpc("getEngineSelections")
    assert selections == {"json": [["GGUF", OURS]], "meta": {"values": ["map"]}}


@pytest.mark.difference("runtime")
async def test_select(runtime: Connection) -> None:
    """What is selected can be selected again; nothing else can."""
    wanted = {"engine": OURS, "modelFormatName": "GGUF"}
    assert await runtime.rpc("selectEngine", wanted) is None
    with pytest.raises(RpcError, match="runs models of the format GGUF only"):
        await runtime.rpc("selectEngine", {**wanted, "modelFormatName": "MLX"})
    with pytest.raises(RpcError, match=r"There is no engine mlx-llm 1\.0\.0: "):
        await runtime.rpc("selectEngine", {**wanted, "engine": OTHER})


@pytest.mark.difference("runtime")
@pytest.mark.parametrize(
    ("engine", "why"), [(OURS, "is the only engine"), (OTHER, "There is no engine mlx-llm")]
)
async def test_remove(runtime: Connection, engine: dict[str, str], why: str) -> None:
    """No engine can be removed."""
    with pytest.raises(RpcError, match=why):
        await runtime.rpc("removeEngine", engine)


@pytest.mark.difference("runtime")
@pytest.mark.parametrize("scope", [None, {"type": "all"}, {"type": "custom", "engines": [OURS]}])
async def test_survey(runtime: Connection, scope: Any) -> None:
    """A survey tells this machine's memory, and that no GPU is used."""
    survey = await runtime.rpc("surveyHardware", *([] if scope is None else [scope]))
    (engine,) = survey["engines"]
    memory = psutil.virtual_memory().total
    assert survey["status"] == "ok"
    assert engine["version"] == OURS["version"]
    assert engine["compatibility"] == {"status": "compatible"}
    assert engine["memoryInfo"] == {"ramCapacity": memory, "vramCapacity": 0, "totalMemory": memory}
    assert engine["hardwareSurvey"]["gpuSurveyResult"]["result"]["code"] == "noDevicesFound"
    assert engine["hardwareSurvey"]["gpuSurveyResult"]["gpuInfo"] == []
    assert "result" in engine["hardwareSurvey"]["cpuSurveyResult"]


async def test_survey_of_another_engine(runtime: Connection) -> None:
    """An engine that is not there can tell nothing."""
    survey = await runtime.rpc("surveyHardware", {"type": "custom", "engines": [OTHER]})
    assert survey == {"status": "noCompatibleBackends", "engines": []}


@pytest.mark.difference("runtime")
async def test_extensions(runtime: Connection) -> None:
    """There are no engines to download."""
    search = {"query": "llama.cpp", "includeIncompatible": True}
    assert await runtime.rpc("searchRuntimeExtensions", search) == {"extensions": []}
    wanted = {**OTHER, "updateSelections": False}
    async with runtime.channel("downloadRuntimeExtension", wanted) as channel:
        with pytest.raises(ChannelError, match=r"mlx-llm 1\.0\.0 can't be downloaded"):
            await channel.__anext__()
