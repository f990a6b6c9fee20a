"""What the server sends to clients other than the Python SDK keeps to the SDK's own schema.

The SDK's own sessions are checked in each run of its suite (sdk_tests.wire_watch).
"""

from __future__ import annotations

import base64
from typing import Any

import anyio
import pytest
from model_fixtures.wire_client import ChannelError, Connection, Credentials, RpcError, connect
from msgspec import UNSET, to_builtins
from sdk_tests.host_message_checks import error_problems, packet_problems, result_problems

from .talking import EMPTY_STACK, MODEL, limit, loaded, prediction

pytestmark = pytest.mark.anyio
MODELS = {"llm": MODEL, "embedding": "text-embedding-nomic-embed-text-v1.5"}


async def call(connection: Connection, namespace: str, endpoint: str, *parameter: Any) -> Any:
    """Return the result of a call after checking it."""
    result = await connection.rpc(endpoint, *parameter)
    shape = UNSET if result is None else result
    assert result_problems(namespace, endpoint, shape) == []
    return result


async def packets(
    connection: Connection, namespace: str, endpoint: str, *parameter: Any
) -> list[dict[str, Any]]:
    """Return all packets of a channel after checking them."""
    async with connection.channel(endpoint, *parameter) as channel:
        seen = [packet async for packet in channel]
    for packet in seen:
        assert packet_problems(namespace, endpoint, packet) == []
    return seen


async def test_system(address: str) -> None:
    """The calls of `system` that the Python SDK does not use keep to the schema."""
    async with connect(address, "system") as system:
        await call(system, "system", "listDownloadedModels")
        await call(system, "system", "version")
        await call(system, "system", "notify", {"title": "Hello"})
        await call(system, "system", "setExperimentFlag", {"code": "x", "value": True})
        await call(system, "system", "getExperimentFlags")


@pytest.mark.parametrize("namespace", ["llm", "embedding"])
async def test_models(address: str, namespace: str) -> None:
    """Loading, querying and unloading keep to the schema in both namespaces."""
    key = MODELS[namespace]
    specifier = {"type": "query", "query": {"identifier": "schema"}}
    text = {"specifier": specifier, "inputString": "Hello"}
    async with connect(address, namespace) as models:
        parameter = {"modelKey": key, "identifier": "schema", "loadConfigStack": EMPTY_STACK}
        seen = await packets(models, namespace, "loadModel", parameter)
        assert (seen[0]["type"], seen[-1]["type"]) == ("resolved", "success")
        again = {"identifier": "schema", "loadConfigStack": EMPTY_STACK}
        assert len(await packets(models, namespace, "getOrLoad", again)) == 1
        assert len(await call(models, namespace, "listLoaded")) == 1
        asked = {"specifier": specifier, "throwIfNotFound": True}
        await call(models, namespace, "getModelInfo", asked)
        await call(models, namespace, "getLoadConfig", {"specifier": specifier})
        await call(models, namespace, "tokenize", text)
        await call(models, namespace, "countTokens", text)
        await call(models, namespace, "unloadModel", {"identifier": "schema"})
        unknown = {"specifier": specifier, "throwIfNotFound": False}
        assert await call(models, namespace, "getModelInfo", unknown) is None


async def test_predictions(address: str) -> None:
    """Text, forced tool calls and a cancelled prediction keep to the schema."""
    function = {"name": "look", "parameters": {"type": "object", "properties": {}}}
    tools = {
        "type": "toolArray",
        "tools": [{"type": "function", "function": function}],
        "force": True,
    }
    calling = limit(60)
    calling["layers"][0]["config"]["fields"].append({"key": "llm.prediction.tools", "value": tools})
    async with connect(address, "llm") as llm, loaded(llm) as identifier:
        plain = await packets(llm, "llm", "predict", prediction("Hi", limit(4), identifier))
        assert plain[-1]["type"] == "success"
        called = await packets(llm, "llm", "predict", prediction("Hi", calling, identifier))
        assert "toolCallGenerationStart" in [packet["type"] for packet in called]
        request = prediction("Hi", limit(400), identifier)
        async with llm.channel("predict", request) as channel:
            async for packet in channel:
                assert packet_problems("llm", "predict", packet) == []
                if packet["type"] == "fragment":
                    await channel.cancel()


async def test_files(address: str) -> None:
    """Uploads, parsing and retrieval keep to the schema."""
    content = base64.b64encode(b"A cat sits on the mat.").decode()
    async with connect(address, "embedding") as models, connect(address, "files") as files:
        parameter = {"modelKey": MODELS["embedding"], "loadConfigStack": EMPTY_STACK}
        info = (await packets(models, "embedding", "loadModel", parameter))[-1]["info"]
        upload = {"name": "cat.txt", "contentBase64": content}
        name = (await call(files, "files", "uploadFileBase64", upload))["identifier"]
        await call(files, "files", "getLocalFileAbsolutePath", {"fileName": name})
        await call(files, "files", "getDocumentParsingLibrary", {"fileIdentifier": name})
        parse = {"fileIdentifier": name, "parseOpts": {}}
        assert (await packets(files, "files", "parseDocument", parse))[-1]["type"] == "result"
        model = {"key": "retrieval.embeddingModel", "value": info["identifier"]}
        query = {"query": "cat", "fileIdentifiers": [name], "config": {"fields": [model]}}
        assert (await packets(files, "files", "retrieve", query))[-1]["type"] == "result"
        await models.rpc("unloadModel", {"identifier": info["identifier"]})


async def test_logs(address: str) -> None:
    """The log of a prediction's input keeps to the schema, which is older than the other logs."""
    async with (
        connect(address, "diagnostics") as diagnostics,
        connect(address, "llm") as llm,
        loaded(llm) as identifier,
        diagnostics.channel("streamLogs") as logs,
    ):
        await packets(llm, "llm", "predict", prediction("Hi", limit(2), identifier))
        while (packet := await logs.__anext__())["log"]["data"]["type"] != "llm.prediction.input":
            pass
        assert packet_problems("diagnostics", "streamLogs", packet) == []


async def test_plugins(address: str) -> None:
    """Registration and a session with a plugin's tools keep to the schema, on both sides."""
    manifest = {"type": "plugin", "runner": "node", "owner": "tests", "name": "schema"}
    provider, use = "setToolsProvider", "startToolUseSession"
    start = {
        "pluginIdentifier": "tests/schema",
        "pluginConfigSpecifier": {"type": "direct", "config": {"fields": []}},
    }
    with anyio.fail_after(10):
        async with (
            connect(address, "plugins") as owner,
            owner.channel("registerDevelopmentPlugin", {"manifest": manifest}) as registration,
        ):
            ready = await registration.__anext__()
            assert packet_problems("plugins", "registerDevelopmentPlugin", ready) == []
            identity = Credentials(ready["clientIdentifier"], ready["clientPasskey"])
            async with (
                connect(address, "plugins", identity) as plugin,
                plugin.channel(provider) as hook,
            ):
                await call(plugin, "plugins", "pluginInitCompleted")
                async with owner.channel(use, start) as session:
                    asked = await hook.__anext__()
                    assert packet_problems("plugins", provider, asked) == []
                    number = {"sessionId": asked["sessionId"]}
                    tools: list[Any] = []
                    await hook.send(
                        {"type": "sessionInitialized", **number, "toolDefinitions": tools}
                    )
                    assert packet_problems("plugins", use, await session.__anext__()) == []
                    await session.send(
                        {"type": "callTool", "callId": 1, "name": "look", "arguments": {}}
                    )
                    asked = await hook.__anext__()
                    assert packet_problems("plugins", provider, asked) == []
                    answer = {"callId": asked["callId"], "result": {"seen": 1}}
                    await hook.send({"type": "toolCallComplete", **number, **answer})
                    assert packet_problems("plugins", use, await session.__anext__()) == []
                    await session.send({"type": "discardSession"})
                    assert packet_problems("plugins", provider, await hook.__anext__()) == []


@pytest.mark.parametrize(
    ("namespace", "endpoint", "parameter"),
    [
        ("llm", "getOrLoad", {"identifier": "nothing", "loadConfigStack": EMPTY_STACK}),
        ("llm", "predict", prediction("Hi", EMPTY_STACK, "nothing")),
        ("files", "retrieve", {"query": "x", "fileIdentifiers": ["y"], "config": {"fields": []}}),
    ],
)
async def test_errors(address: str, namespace: str, endpoint: str, parameter: Any) -> None:
    """Errors of channels keep to the schema."""
    async with connect(address, namespace) as connection:
        with pytest.raises(ChannelError) as failure:
            await packets(connection, namespace, endpoint, parameter)
    assert error_problems(namespace, endpoint, to_builtins(failure.value.error)) == []


async def test_error_of_a_call(address: str) -> None:
    """Errors of calls keep to the schema."""
    async with connect(address, "llm") as llm:
        with pytest.raises(RpcError) as failure:
            await llm.rpc("unloadModel", {"identifier": "nothing"})
    assert error_problems("llm", "unloadModel", to_builtins(failure.value.error)) == []
