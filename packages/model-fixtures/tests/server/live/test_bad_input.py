"""Bad input gets a clear error, and the server keeps running."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.weights import ensure
from model_fixtures.wire_client import (
    ChannelError,
    ConnectError,
    ConnectionLostError,
    RpcError,
    connect,
    connect_raw,
)

from .talking import (
    EMPTY_STACK,
    MODEL,
    SUITE_MODELS,
    WITHOUT_END,
    limit,
    load,
    loaded,
    prediction,
    stack,
)

pytestmark = pytest.mark.anyio


async def assert_alive(address: str) -> None:
    """Check that the server answers a call on a new connection."""
    async with connect(address, "system") as system:
        assert len(await system.rpc("listDownloadedModels")) == SUITE_MODELS


async def load_error(address: str, **parameter: Any) -> dict[str, Any]:
    """Return the error of a load that must fail."""
    async with connect(address, "llm") as llm:
        request = {"modelKey": MODEL, "loadConfigStack": EMPTY_STACK, **parameter}
        async with llm.channel("loadModel", request) as channel:
            with pytest.raises(ChannelError) as caught:
                async for _ in channel:
                    pass
    error: dict[str, Any] = caught.value.error
    return error


async def test_unknown_model(address: str) -> None:
    """Loading a model that is not downloaded is an error that names it and the downloaded ones."""
    error = await load_error(address, modelKey="gpt-99")
    assert error["displayData"]["code"] == "generic.pathNotFound"
    assert error["displayData"]["path"] == "gpt-99"
    assert error["displayData"]["totalModels"] == SUITE_MODELS
    await assert_alive(address)


async def test_model_of_the_other_domain(address: str) -> None:
    """An embedding model can't be loaded through `llm`."""
    error = await load_error(address, modelKey="text-embedding-nomic-embed-text-v1.5")
    assert error["displayData"]["code"] == "generic.domainMismatch"
    assert error["displayData"]["actualDomain"] == "embedding"


@pytest.mark.parametrize(
    ("endpoint", "parameter"),
    [
        ("unloadModel", {"identifier": "nobody"}),
        ("getModelInfo", {"throwIfNotFound": True}),
        ("getLoadConfig", {}),
        ("tokenize", {"inputString": "x"}),
        ("countTokens", {"inputString": "x"}),
        (
            "applyPromptTemplate",
            {"history": {"messages": []}, "predictionConfigStack": EMPTY_STACK, "opts": {}},
        ),
    ],
)
async def test_unknown_identifier(address: str, endpoint: str, parameter: dict[str, Any]) -> None:
    """A call for an unknown identifier says that no model matches, and repeats the identifier."""
    specifier = {"type": "query", "query": {"identifier": "nobody"}}
    if endpoint != "unloadModel":
        parameter = {"specifier": specifier, **parameter}
    async with connect(address, "llm") as llm:
        with pytest.raises(RpcError) as caught:
            await llm.rpc(endpoint, parameter)
    shown = caught.value.error["displayData"]
    assert shown["code"] == "generic.noModelMatchingQuery"
    assert shown["query"] == {"domain": "llm", "identifier": "nobody"}


@pytest.mark.parametrize("name", ["", "x" * 1025], ids=["empty", "long"])
async def test_name_out_of_bounds(address: str, name: str) -> None:
    """An empty or a very long name is an error in calls and channels, not a bad parameter."""
    reason = f"A name has 1 to 1024 characters, this one {len(name)}"
    async with connect(address, "llm") as llm:
        with pytest.raises(RpcError, match=reason):
            await llm.rpc("unloadModel", {"identifier": name})
        assert llm.warnings == []
    for parameter in ({"modelKey": name}, {"identifier": name}):
        assert (await load_error(address, **parameter))["title"] == reason


async def test_unknown_instance_reference(address: str) -> None:
    """A reference to no loaded instance says that the instance has been unloaded."""
    specifier = {"type": "instanceReference", "instanceReference": "x" * 24}
    async with connect(address, "llm") as llm:
        with pytest.raises(RpcError) as caught:
            await llm.rpc("tokenize", {"specifier": specifier, "inputString": "x"})
    assert caught.value.error["displayData"] == {"code": "generic.specificModelUnloaded"}


@pytest.mark.parametrize("context", [8193, 1_000_000])
async def test_context_longer_than_the_models(address: str, context: int) -> None:
    """A context above the model's maximum is refused with both numbers."""
    error = await load_error(address, loadConfigStack=stack(llm__load__contextLength=context))
    assert error["title"] == (
        f"Cannot load {MODEL} with a context of {context} tokens: it has at most 8192"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"this is not a model at all", "not a GGUF"),
        (b"GGUF", "truncated"),
        (b"", "empty"),
        (None, "truncated"),
    ],
)
async def test_broken_model_file(tmp_path: Path, content: bytes | None, reason: str) -> None:
    """A file that is no GGUF, or only the start of one, fails to load with the reason."""
    if content is None:
        with ensure(["smollm2"])["smollm2"].open("rb") as whole:
            content = whole.read(5_000_000)
    file = tmp_path / "model.gguf"
    file.write_bytes(content)
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(f'[[models]]\nkey = "{MODEL}"\nfile = {json.dumps(str(file))}\n')
    environ = {**os.environ, "LMSTUDIO_TEST_CATALOG": str(catalog)}
    with EmbeddedServer(environ=environ) as server:
        error = await load_error(server.address)
        assert error["title"].startswith(f"Failed to load {MODEL}: ")
        assert "\n" not in error["title"]
        assert reason in error["title"].lower() or reason in error["title"]
        await assert_alive(server.address)


@pytest.mark.parametrize(
    "frame", ["{", "null", '{"type": "launchMissiles"}', '{"type": 5}', b"\x00\xff", b"\xc3\x28"]
)
async def test_malformed_frames_are_ignored(address: str, frame: str | bytes) -> None:
    """Frames that are no message get no answer, and the connection stays usable."""
    async with connect(address, "system") as system:
        await system.raw.send(frame)
        assert len(await system.rpc("listDownloadedModels")) == SUITE_MODELS
        assert system.warnings == []


async def test_binary_frames_with_json_count(address: str) -> None:
    """A binary frame with a message in UTF-8 is treated like a text frame."""
    async with connect_raw(address, "system") as raw:
        packet = {"authVersion": 1, "clientIdentifier": "b", "clientPasskey": "p"}
        await raw.send(json.dumps(packet).encode(), text=False)
        assert await raw.receive_json() == {"success": True}


async def test_frame_over_the_size_limit(address: str) -> None:
    """A frame of more than 100 MiB closes this connection with code 1009, and no other."""
    async with connect(address, "system") as other, connect_raw(address, "system") as raw:
        await raw.authenticate()
        # The close may come while the frame is still being sent.
        with pytest.raises(ConnectionLostError, match="1009"):  # noqa: PT012
            await raw.send("x" * (100 * 2**20 + 1))
            await raw.receive()
        assert len(await other.rpc("listDownloadedModels")) == SUITE_MODELS


async def test_frame_below_the_size_limit(address: str) -> None:
    """A frame of many megabytes is read, and ignored if it is no message."""
    async with connect(address, "system") as system:
        await system.raw.send("x" * (20 * 2**20))
        assert len(await system.rpc("listDownloadedModels")) == SUITE_MODELS


async def test_client_that_never_authenticates() -> None:
    """Without an authentication packet the server says so after a timeout, and closes."""
    with EmbeddedServer(["--authentication-timeout", "0.2"]) as server:
        async with connect_raw(server.address, "llm") as raw:
            await raw.send("not an authentication packet")
            assert await raw.receive_json() == {
                "success": False,
                "error": "Authentication timed out",
            }
            await raw.wait_closed()
        await assert_alive(server.address)


async def test_unknown_path(address: str) -> None:
    """A websocket to no namespace is refused with 404."""
    with pytest.raises(ConnectError) as caught:
        async with connect_raw(address, "warp"):
            pass
    assert caught.value.status == 404


async def test_query_string_of_a_path_is_ignored(address: str) -> None:
    """Only the path names the namespace."""
    async with connect(address, "system?device=1") as system:
        assert len(await system.rpc("listDownloadedModels")) == SUITE_MODELS


async def test_greeting(address: str) -> None:
    """The greeting is JSON, exactly as clients compare it."""
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(f"http://{address}/lmstudio-greeting")
    assert response.json() == {"lmstudio": True}
    assert response.headers["content-type"] == "application/json"


@pytest.mark.difference("client-leaves")
async def test_client_that_disconnects_in_mid_stream(address: str) -> None:
    """When a client vanishes while text is generated, the generation stops within a second."""
    async with connect(address, "llm") as watching, loaded(watching) as identifier:
        state = {
            "specifier": {"type": "query", "query": {"identifier": identifier}},
            "throwIfNotFound": True,
        }
        async with connect(address, "llm") as leaving:
            request = prediction("Tell me a story.", WITHOUT_END, identifier)
            async with leaving.channel("predict", request) as channel:
                async for packet in channel:
                    if packet["type"] == "fragment":
                        break
                busy = await watching.rpc("getInstanceProcessingState", state)
                assert busy == {"status": "generating", "queued": 0}
                leaving.raw.drop()
        with anyio.fail_after(1):
            while (await watching.rpc("getInstanceProcessingState", state))["status"] != "idle":
                await anyio.sleep(0.02)
        # The slot is free, too: the next prediction doesn't wait for the old one.
        with anyio.fail_after(30):
            async with watching.channel(
                "predict", prediction("Hi", limit(2), identifier)
            ) as channel:
                assert [packet async for packet in channel][-1]["type"] == "success"


async def test_invalid_json_schema_value(address: str) -> None:
    """A grammar that can't be parsed ends the prediction with an error."""
    config = stack(llm__prediction__structured={"type": "gbnf", "gbnfGrammar": "root = oops"})
    async with connect(address, "llm") as llm, loaded(llm) as identifier:
        async with llm.channel("predict", prediction("Hi", config, identifier)) as channel:
            with pytest.raises(ChannelError, match="grammar"):
                async for _ in channel:
                    pass
        assert (await llm.rpc("listLoaded"))[0]["identifier"] == identifier


async def test_taken_identifier(address: str) -> None:
    """An explicit identifier that is in use is refused, in a title and nothing else."""
    async with connect(address, "llm") as llm:
        await load(llm, "mine")
        try:
            error = await load_error(address, identifier="mine")
            assert error == {
                "title": "A model with the identifier mine already exists",
                "rootTitle": "A model with the identifier mine already exists",
            }
        finally:
            await llm.rpc("unloadModel", {"identifier": "mine"})
