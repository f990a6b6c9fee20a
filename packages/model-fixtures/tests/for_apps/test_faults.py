"""Faults in front of a host, as clients see them."""

from __future__ import annotations

import http.client
import os
import re
from collections.abc import Iterator

import lmstudio
import pytest
from lmstudio import sync_api
from model_fixtures.for_apps.errors import FaultError
from model_fixtures.for_apps.faults import Faults, open_faults
from model_fixtures.for_apps.host import Host
from model_fixtures.wire_client import (
    AnswerTimeoutError,
    ConnectionLostError,
    ProtocolError,
    RpcError,
    connect,
)

from ..fake_host import FakeHost  # noqa: TID252 (tests are not an importable package)

pytestmark = pytest.mark.anyio
ERRORS = pytest.mark.parametrize(
    ("order", "message"),
    [
        (("drop", "listLoadd"), "no endpoint 'listLoadd': did you mean listLoaded or "),
        (("drop", "listLoaded", "result"), "no packet of listLoaded 'result': did you mean "),
        (("drop", "authentication", "fragment"), "authentication has no packets"),
    ],
)


@pytest.fixture
def faults(two_loaded: FakeHost) -> Iterator[Faults]:
    """Provide faults in front of a host with two loaded models."""
    with open_faults(Host(two_loaded.address)) as opened:
        yield opened


async def listed(faults: Faults, *, namespace: str = "llm", timeout: float = 30.0) -> list[str]:
    """Return the identifiers of the loaded models, asked for over a connection of its own."""
    async with connect(faults.host, namespace, answer_timeout=timeout) as connection:
        return [each["identifier"] for each in await connection.rpc("listLoaded")]


async def test_without_faults_everything_passes(faults: Faults, two_loaded: FakeHost) -> None:
    """Calls and channels of all namespaces arrive, and so do their answers."""
    assert faults.host != two_loaded.address
    assert await listed(faults) == ["one"]
    assert await listed(faults, namespace="embedding") == ["vectors"]
    async with (
        connect(faults.host, "repository") as connection,
        connection.channel("downloadModel", {}) as channel,
    ):
        packets = [packet["type"] async for packet in channel]
    assert packets == ["downloadProgress"] * 3 + ["success"]


async def test_close(faults: Faults) -> None:
    """The connection ends with the code and the reason that were ordered; the next one lasts."""
    faults.close("listLoaded", code=4001, reason="on purpose")
    with pytest.raises(ConnectionLostError, match=r"4001.*on purpose"):
        await listed(faults)
    assert faults.pending == []
    assert await listed(faults) == ["one"]


async def test_drop(faults: Faults) -> None:
    """A dropped answer never arrives."""
    faults.drop("listLoaded")
    with pytest.raises(AnswerTimeoutError):
        await listed(faults, timeout=0.1)
    assert await listed(faults) == ["one"]


async def test_stall(faults: Faults) -> None:
    """A stalled connection stays open, and nothing arrives on it any more."""
    faults.stall("llm.listLoaded", nth=2)
    async with connect(faults.host, "llm", answer_timeout=0.1) as connection:
        connection.raw.answer_timeout = 30.0
        await connection.rpc("listLoaded")
        connection.raw.answer_timeout = 0.1
        for _ in range(2):
            with pytest.raises(AnswerTimeoutError):
                await connection.rpc("listLoaded")
    assert await listed(faults) == ["one"]


async def test_delay(faults: Faults) -> None:
    """A delayed answer arrives after all."""
    faults.delay("listLoaded", seconds=0.01)
    assert await listed(faults) == ["one"]
    assert faults.pending == []


async def test_replace(faults: Faults) -> None:
    """Another frame comes instead: an object as JSON, or a text that is none."""
    faults.replace("listLoaded", frame={"type": "rpcResult", "callId": "$id", "result": []})
    faults.replace("listLoaded", frame="no JSON")
    assert await listed(faults) == []
    with pytest.raises(ProtocolError):
        await listed(faults)


async def test_insert(faults: Faults) -> None:
    """Other packets come before the message, on its own channel."""
    packet = {"type": "fragment", "fragment": {"content": "more"}}
    message = {"type": "channelSend", "channelId": "$id", "message": packet}
    faults.insert("downloadModel", "success", messages=[message])
    async with (
        connect(faults.host, "repository") as connection,
        connection.channel("downloadModel", {}) as channel,
    ):
        packets = [packet["type"] async for packet in channel]
    assert packets[-2:] == ["fragment", "success"]


async def test_fail(faults: Faults) -> None:
    """The call ends with an error instead of its answer."""
    faults.fail("embedding.listLoaded", "rpcResult", error={"title": "no more memory"})
    assert await listed(faults) == ["one"]
    with pytest.raises(RpcError, match="no more memory"):
        await listed(faults, namespace="embedding")


async def test_authentication(faults: Faults) -> None:
    """The answer to the first frame can be meant, too."""
    faults.close("authentication")
    with pytest.raises(ConnectionLostError):
        await listed(faults)
    assert await listed(faults) == ["one"]


async def test_faults_on_an_open_connection(faults: Faults) -> None:
    """A fault can be ordered while a connection is open."""
    async with connect(faults.host, "llm") as connection:
        assert len(await connection.rpc("listLoaded")) == 1
        faults.close("listLoaded")
        with pytest.raises(ConnectionLostError):
            await connection.rpc("listLoaded")


async def test_each_client_is_meant(faults: Faults) -> None:
    """Two faults of one kind happen at two messages, whichever clients they are for."""
    faults.close("listLoaded")
    faults.close("listLoaded")
    for _ in range(2):
        with pytest.raises(ConnectionLostError):
            await listed(faults)
    assert await listed(faults) == ["one"]


async def test_what_has_not_happened_is_named(faults: Faults) -> None:
    """`check` names the faults that are left, in words."""
    faults.close("listLoaded")
    faults.drop("llm.predict", "fragment", nth=3)
    with pytest.raises(ConnectionLostError):
        await listed(faults)
    assert faults.pending == ["drop at llm.predict fragment (3)"]
    with pytest.raises(FaultError, match=r"have not happened: drop at llm\.predict fragment"):
        faults.check()


@ERRORS
def test_unknown_names_are_refused(faults: Faults, order: tuple[str, ...], message: str) -> None:
    """A fault that could never happen is refused at once."""
    with pytest.raises(FaultError, match=re.escape(message)):
        getattr(faults, order[0])(*order[1:])
    assert faults.pending == []


@pytest.mark.parametrize("seconds", [-1, float("inf")])
def test_delays_that_make_no_sense_are_refused(faults: Faults, seconds: float) -> None:
    """A delay is a number of seconds from 0."""
    with pytest.raises(FaultError, match="write 0 or more"):
        faults.delay("listLoaded", seconds=seconds)


def test_plain_http_passes(faults: Faults) -> None:
    """What is no websocket reaches the host as it is."""
    connection = http.client.HTTPConnection(faults.host)
    connection.request("GET", "/lmstudio-greeting")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b'{"lmstudio": true}')
    connection.close()


def test_a_host_that_is_gone() -> None:
    """With nobody behind it, the host for faults answers that there is none."""
    with open_faults(Host("127.0.0.1:1")) as faults:
        assert not lmstudio.Client.is_valid_api_host(faults.host)


def test_default_host(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that are given no host find that of the faults, until they end."""
    monkeypatch.setenv("LMSTUDIO_API_HOST", "elsewhere:1")
    monkeypatch.setattr(sync_api, "_default_api_host", "configured:1")
    faults.use_as_default()
    assert os.environ["LMSTUDIO_API_HOST"] == faults.host
    with lmstudio.Client() as client:
        assert client.api_host == faults.host
    assert [each.identifier for each in lmstudio.list_loaded_models("llm")] == ["one"]
    faults.end()
    assert os.environ["LMSTUDIO_API_HOST"] == "elsewhere:1"
    assert sync_api._default_client is None
    assert sync_api._default_api_host == "configured:1"
    assert lmstudio.Client.find_default_local_api_host() != faults.host


async def test_default_host_of_async_clients(faults: Faults) -> None:
    """Async clients that are given no host find that of the faults, too."""
    faults.use_as_default()
    async with lmstudio.AsyncClient() as client:
        assert client.api_host == faults.host
    assert await lmstudio.AsyncClient.find_default_local_api_host() == faults.host


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        ("insert", {"messages": None}, "this fault can't be sent"),
        ("insert", {"messages": ["x"]}, "this fault can't be sent"),
        ("insert", {"messages": [{"x": object()}]}, "this fault can't be sent"),
        ("close", {"code": 99999}, "close code 99999"),
        ("close", {"code": 1005}, "close code 1005"),
        ("close", {"code": "x"}, "close code 'x'"),
        ("close", {"reason": "x" * 124}, "at most 123 bytes"),
        ("close", {"reason": 5}, "at most 123 bytes"),
        ("drop", {"nth": 1.5}, "nth is 1.5"),
        ("drop", {"nth": "x"}, "nth is 'x'"),
        ("drop", {"packet": 5}, "packet is 5"),
        ("delay", {"seconds": None}, "a delay of None seconds"),
        ("replace", {"frame": None}, "frame is None"),
        ("fail", {"error": {}}, "error is {}"),
        ("fail", {"error": {"title": 5}}, "error is {'title': 5}"),
    ],
)
def test_wrong_arguments_are_refused(
    faults: Faults, method: str, arguments: dict[str, object], message: str
) -> None:
    """An argument of a wrong type or value is an error at once: it would break the connection."""
    with pytest.raises(FaultError, match=re.escape(message)):
        getattr(faults, method)("listLoaded", **arguments)
    assert faults.pending == []
