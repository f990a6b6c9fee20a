"""Odd files among models and presets: nothing waits for them, and no list breaks."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import httpx
import lmstudio
import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import ChannelError, connect

from ..tiny_gguf import write_gguf  # noqa: TID252 (tests are no importable package)
from .talking import EMPTY_STACK, SUITE_MODELS, limit, loaded, predict, prediction, text_of

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs"),
]
REPOSITORY = "models/Me/One-GGUF"
ODD = ("fifo", "device", "folder", "caf\udce9", "large")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a home with a sound model, one with an odd header, and files that are no models."""
    home = tmp_path_factory.mktemp("home")
    folder, presets = home / REPOSITORY, home / "config-presets"
    presets.mkdir()
    sound = write_gguf(folder / "sound.gguf")
    content = sound.read_bytes()
    key = b"llama.context_length"
    length = content.index(key) + len(key)  # a number of four bytes and its type before it
    assert content[length : length + 8] == struct.pack("<II", 4, 1024)
    (home / "models/Me/Two-GGUF").mkdir()
    (home / "models/Me/Two-GGUF/odd.gguf").write_bytes(
        content[:length] + struct.pack("<If", 6, 0.5) + content[length + 8 :]
    )
    os.mkfifo(folder / "fifo.gguf")
    os.mkfifo(folder / "mmproj.gguf")
    (folder / "device.gguf").symlink_to("/dev/zero")
    (folder / "folder.gguf").mkdir()
    (folder / os.fsdecode(b"caf\xe9.gguf")).write_bytes(content)
    # 80 MB of strings, which no sound file has in its header.
    head = struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"k"
    strings = struct.pack("<IIQ", 9, 8, 8_000_000)
    with (folder / "large.gguf").open("wb") as file:
        file.write(b"GGUF" + head + strings)
        for _ in range(100):
            file.write((struct.pack("<Q", 2) + b"ab") * 80_000)
    os.mkfifo(presets / "fifo.json")
    (presets / "device.json").symlink_to("/dev/zero")
    (presets / "large.json").write_bytes(b"[" + b"{}," * 22_000_000 + b"0]")
    brief = {"key": "llm.prediction.maxPredictedTokens", "value": {"checked": True, "value": 2}}
    preset = {"identifier": "@local:brief", "name": "Brief", "operation": {"fields": [brief]}}
    (presets / "sound.json").write_text(json.dumps(preset))
    return home


@pytest.fixture(scope="module")
def log(home: Path) -> Path:
    """Provide the path of the server's log."""
    return home / "log"


@pytest.fixture(scope="module")
def odd(home: Path, log: Path) -> Iterator[str]:
    """Provide the `host:port` of a server with that home."""
    with EmbeddedServer(["--home", str(home)], log=log) as running:
        yield running.address


@pytest.mark.difference("odd-files")
async def test_lists(odd: str, log: Path) -> None:
    """The SDK lists only models; the log has one line for each other file, though it asks often."""

    def listed() -> list[tuple[str, int]]:
        with lmstudio.Client(odd) as client:
            infos = [each.info for each in client.list_downloaded_models()]
        return [(each.model_key, each.max_context_length) for each in infos]

    with anyio.fail_after(120):
        for _ in range(3):
            models = await anyio.to_thread.run_sync(listed)
            assert models[SUITE_MODELS:] == [("one", 1024), ("two", 4096)]
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            for path in ("v1", "api/v0"):
                answer = (await client.get(f"http://{odd}/{path}/models")).json()
                assert [each["id"] for each in answer["data"]][SUITE_MODELS:] == ["one", "two"]
    lines = log.read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if "is not listed: it " in line]) == len(ODD)
    for name in ODD:
        path = repr(f"/{name}.gguf")[1:]
        assert len([line for line in lines if f"{path} is not listed: it " in line]) == 1


@pytest.mark.parametrize("endpoint", ["loadModel", "getOrLoad"])
async def test_loading(odd: str, endpoint: str) -> None:
    """A file that is no model can't be loaded; an odd model fails only for llama.cpp's reason."""
    async with connect(odd, "llm") as llm:
        for name, reason in (
            (f"{REPOSITORY[7:]}/fifo.gguf", "Model not found"),
            (f"{REPOSITORY[7:]}/caf.gguf", "Model not found"),
            ("two", "Failed to load two: "),
        ):
            named = {"modelKey": name} if endpoint == "loadModel" else {"identifier": name}
            parameter = {**named, "loadConfigStack": EMPTY_STACK}
            with anyio.fail_after(120):
                async with llm.channel(endpoint, parameter) as channel:
                    with pytest.raises(ChannelError, match=reason):
                        async for _ in channel:
                            pass


@pytest.mark.difference("odd-files")
async def test_presets(odd: str, log: Path) -> None:
    """A preset is found and used among odd files; the log has one line for each of these."""
    async with connect(odd, "llm") as llm, loaded(llm) as identifier:
        request = prediction("Hi", EMPTY_STACK, identifier)
        with anyio.fail_after(120):
            for _ in range(2):
                named = {**request, "fuzzyPresetIdentifier": "brief"}
                async with llm.channel("predict", named) as channel:
                    packets = [packet async for packet in channel]
                assert packets[-1]["stats"]["predictedTokensCount"] == 2
            assert text_of(await predict(llm, "Hi", limit(2), identifier))
    lines = [
        line for line in log.read_text(encoding="utf-8").splitlines() if "is left out: " in line
    ]
    assert [line.partition(" WARNING ")[2] for line in lines] == [
        "preset 'device.json' is left out: it is not a regular file",
        "preset 'fifo.json' is left out: it is not a regular file",
        "preset 'large.json' is left out: it has more than 1048576 bytes",
    ]
