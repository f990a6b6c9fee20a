"""The server and its workers end when it is told to end or killed, whatever it is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec
import pytest
from model_fixtures.hosts.process_identity import start_mark
from model_fixtures.hosts.spawn_server import parse_ready
from model_fixtures.server.engine.load_config import EngineConfig
from model_fixtures.wire_client import Connection, ConnectionLostError, connect

from .talking import EMPTY_STACK, MODEL, limit, load, prediction

pytestmark = [
    pytest.mark.anyio,  # which leaves the others alone
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals"),
]
HANGS = 30  # seconds; five are the aim, but the machine may be busy
# A server in which a notification blocks the loop, or a thread, for ever.
BLOCKING = """
import functools, re, sys, time
import anyio.to_thread
from model_fixtures.server.namespaces import system
from model_fixtures.server.serve_options import ServeOptions
from model_fixtures.server.protocol.namespace import Rpc
from model_fixtures.server.protocol.payloads.system import Notification
from model_fixtures.server import serve

if "impatient" in sys.argv:
    serve.Watchdog = functools.partial(serve.Watchdog, patience=0.5)

def spin():
    while True:
        pass

async def notify(context, request):
    print("blocked", flush=True)
    match request.title:
        case "sleep":
            time.sleep(1000)
        case "spin":
            spin()
        case "regex":
            re.match("(a*)*b", "a" * 100)
        case "thread":
            await anyio.to_thread.run_sync(time.sleep, 1000)

system.namespace.rpcs["notify"] = Rpc("notify", notify, Notification)
lifeline = "lifeline" in sys.argv
sys.exit(serve.serve(ServeOptions(ports=(0,), default_ports=False, lifeline=lifeline)))
"""
Way = Callable[[subprocess.Popen[bytes]], None]


def close_stdin(process: subprocess.Popen[bytes]) -> None:
    """Close the lifeline."""
    assert process.stdin is not None
    process.stdin.close()


WAYS: dict[str, Way] = {
    "SIGTERM": lambda process: process.send_signal(signal.SIGTERM),
    "SIGINT": lambda process: process.send_signal(signal.SIGINT),
    "lifeline": close_stdin,
    "SIGKILL": lambda process: process.kill(),
}
TOLD = [way for way in WAYS if way != "SIGKILL"]


@contextmanager
def a_server(home: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Provide a server process and its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", BLOCKING, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(home)},
    )
    try:
        assert process.stdout is not None
        (address,) = parse_ready(process.stdout.readline().decode())
        yield process, address
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def children(pid: int) -> dict[int, str]:
    """Return the children of a process, with marks that tell them from later processes."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = [line.split() for line in listed.stdout.splitlines()]
    marks = {int(child): start_mark(int(child)) for child, parent in pairs if int(parent) == pid}
    return {child: mark for child, mark in marks.items() if mark is not None}


def assert_ends(process: subprocess.Popen[bytes], way: Way) -> None:
    """Check that the process and its children end, and orderly unless it was killed."""
    workers = children(process.pid)
    way(process)
    assert process.wait(HANGS) in ({-signal.SIGKILL} if way is WAYS["SIGKILL"] else {0, 1})
    deadline = time.monotonic() + HANGS
    while any(start_mark(pid) == mark for pid, mark in workers.items()):
        assert time.monotonic() < deadline, "a worker has outlived its server"
        time.sleep(0.02)


@asynccontextmanager
async def block(address: str, how: str, process: subprocess.Popen[bytes]) -> AsyncIterator[None]:
    """Block the server, without waiting for an answer."""
    async with AsyncExitStack() as stack:
        system = await stack.enter_async_context(connect(address, "system"))
        tasks = await stack.enter_async_context(anyio.create_task_group())

        async def notify() -> None:
            with suppress(ConnectionLostError):
                await system.rpc("notify", {"title": how})

        tasks.start_soon(notify)
        assert process.stdout is not None
        assert await anyio.to_thread.run_sync(process.stdout.readline) == b"blocked\n"
        yield
        tasks.cancel_scope.cancel()
        system.raw.drop()


@pytest.mark.parametrize(
    ("how", "way"),
    [
        *((how, way) for how in ("sleep", "spin", "thread") for way in TOLD),
        ("regex", "SIGTERM"),
        ("regex", "SIGINT"),
    ],
)
async def test_blocked(tmp_path: Path, how: str, way: str) -> None:
    """A server whose event loop or thread is blocked for ever ends."""
    with a_server(tmp_path, way, "impatient") as (process, address):
        async with block(address, how, process):
            await anyio.to_thread.run_sync(assert_ends, process, WAYS[way])
    if how != "regex":  # which lets nothing of the server's own run any more
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", WAYS)
async def test_blocked_while_it_predicts(tmp_path: Path, way: str) -> None:
    """The worker of a blocked server ends with it, even during a prediction."""
    with a_server(tmp_path, way, "impatient") as (process, address):
        async with connect(address, "llm") as llm, predicting(llm):
            async with block(address, "spin", process):
                assert children(process.pid)
                await anyio.to_thread.run_sync(assert_ends, process, WAYS[way])
            llm.raw.drop()


@pytest.mark.parametrize("way", WAYS)
async def test_predicting(tmp_path: Path, way: str) -> None:
    """A server ends with its worker during a prediction."""
    with a_server(tmp_path, way) as (process, address):
        async with connect(address, "llm") as llm, predicting(llm):
            assert children(process.pid)
            await anyio.to_thread.run_sync(assert_ends, process, WAYS[way])
            llm.raw.drop()


@pytest.mark.parametrize("way", WAYS)
async def test_loading(tmp_path: Path, way: str) -> None:
    """A server ends during a load, with the worker that it has just started."""
    with a_server(tmp_path, way) as (process, address):
        async with connect(address, "llm") as llm:
            parameter = {"modelKey": MODEL, "loadConfigStack": EMPTY_STACK}
            async with llm.channel("loadModel", parameter) as channel:
                async for packet in channel:
                    if packet.get("progress", 0) > 0:
                        break
                assert children(process.pid)
                await anyio.to_thread.run_sync(assert_ends, process, WAYS[way])
                llm.raw.drop()


@asynccontextmanager
async def predicting(llm: Connection) -> AsyncIterator[None]:
    """Provide a running prediction."""
    identifier = (await load(llm))["identifier"]
    request = prediction("Tell me a very long story.", limit(100_000), identifier)
    async with llm.channel("predict", request) as channel:
        async for packet in channel:
            if packet["type"] == "fragment":
                break
        yield


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not help")
def test_worker_of_a_killed_server_that_cannot_load(tmp_path: Path) -> None:
    """A worker that is stopped, or hangs while it loads, ends with its server."""
    os.mkfifo(tmp_path / "never.gguf")
    hanging = EngineConfig(
        model=str(tmp_path / "never.gguf"),
        embedding=False,
        context_length=128,
        threads=1,
        batch=128,
        mmap=True,
        flash_attention=None,
        rope_freq_base=None,
        rope_freq_scale=None,
        cache_type_k=None,
        cache_type_v=None,
    )
    starting = (
        "import anyio, msgspec, sys\n"
        "from model_fixtures.server.engine.load_config import EngineConfig\n"
        "from model_fixtures.server.engine.worker_process import start_worker\n"
        "async def main():\n"
        "    config = msgspec.json.decode(sys.argv[1], type=EngineConfig)\n"
        "    async with anyio.create_task_group() as tasks:\n"
        "        await start_worker(config, tasks, lambda share: print(share, flush=True))\n"
        "anyio.run(main)\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", starting, msgspec.json.encode(hanging).decode()],
        stdout=subprocess.PIPE,
    )
    with server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"0.1\n"
            (worker,) = children(server.pid)
            os.kill(worker, signal.SIGSTOP)
            assert_ends(server, WAYS["SIGKILL"])
        finally:
            server.kill()
