"""Workers that crash or fall silent: waiting clients are told, and the next request works."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import ChannelError, Connection, RpcError, WireError, connect

from .talking import EMPTY_STACK, MODEL, limit, load, predict, prediction, stack, workers_of

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals"),
]
SIGKILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows imports this file, too
EMBEDDING = "text-embedding-nomic-embed-text-v1.5"
SILENT = f"The worker of {MODEL} (instance mine) gave no sign of life for 2 s"
PATIENCE = 60  # seconds; what hangs, hangs for ever


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Provide the path of the server's log."""
    return tmp_path / "server.log"


@pytest.fixture
def server(log: Path) -> Any:
    """Provide a separate server, which soon ends silent workers."""
    with EmbeddedServer(["--worker-silence", "2"], log=log) as running:
        yield running


@pytest.fixture
async def llm(server: EmbeddedServer) -> AsyncIterator[Connection]:
    """Provide a connection to its `llm` namespace."""
    async with connect(server.address, "llm") as connection:
        yield connection


def hit(server: EmbeddedServer, number: signal.Signals) -> None:
    """Send a signal to the server's only worker."""
    (pid,) = workers_of(server)
    os.kill(pid, number)


def is_worker(pid: int) -> bool:
    """Return whether a process already runs the worker's program (Linux)."""
    return b"engine.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()


async def story(llm: Connection, server: EmbeddedServer, number: signal.Signals | None) -> None:
    """Start an endless prediction, and send its worker a signal after the first text."""
    request = prediction("Tell me a very long story.", limit(100_000), "mine")
    async with llm.channel("predict", request) as channel:
        async for packet in channel:
            if packet["type"] == "fragment" and number is not None:
                hit(server, number)
                number = None


async def tokenize(llm: Connection, name: str = "mine") -> Any:
    """Make a call that every model answers."""
    specifier = {"type": "query", "query": {"identifier": name}}
    return await llm.rpc("tokenize", {"specifier": specifier, "inputString": "Hi"})


async def chat(server: EmbeddedServer, **more: Any) -> httpx.Response:
    """Send a short chat over REST, which loads the model just in time."""
    messages = [{"role": "user", "content": "Hi"}]
    body = {"model": MODEL, "messages": messages, "max_tokens": 2, **more}
    url = f"http://{server.address}/v1/chat/completions"
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        return await client.post(url, json=body)


@pytest.mark.difference("worker-crash")
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, SIGKILL])
async def test_crash_is_told_with_name_signal_and_last_words(
    llm: Connection, server: EmbeddedServer, log: Path, number: signal.Signals
) -> None:
    """Waiting and later clients and the log learn which model crashed, how, and its last words."""
    info = await load(llm, "mine")
    crash = f"The worker of {MODEL} (instance mine) crashed ({number.name}"
    with pytest.raises(ChannelError) as caught:
        await story(llm, server, number)
    title = caught.value.error["title"]
    assert title.startswith(crash)
    head, _, words = title.partition("; its last words: ")
    assert "slot" in words  # llama.cpp writes what it does with its slot
    assert len(words) < 1000
    assert "\n" not in title
    with pytest.raises(RpcError) as asked:
        await tokenize(llm)
    assert asked.value.error["displayData"]["code"] == "generic.noModelMatchingQuery"
    assert asked.value.error["cause"] == title
    reference = {"type": "instanceReference", "instanceReference": info["instanceReference"]}
    with pytest.raises(RpcError) as asked:
        await llm.rpc("tokenize", {"specifier": reference, "inputString": "Hi"})
    assert asked.value.error["displayData"]["code"] == "generic.specificModelUnloaded"
    assert asked.value.error["cause"] == title
    (line,) = [line for line in log.read_text(encoding="utf-8").splitlines() if "crashed" in line]
    assert f"ERROR {head}; its last words: " in line
    assert "slot" in line
    # The name is free again, and the old crash is forgotten.
    await load(llm, "mine")
    assert await tokenize(llm)
    await llm.rpc("unloadModel", {"identifier": "mine"})
    with pytest.raises(RpcError) as asked:
        await tokenize(llm)
    assert "cause" not in asked.value.error


@pytest.mark.difference("worker-crash")
async def test_requests_around_a_crash(llm: Connection, server: EmbeddedServer, log: Path) -> None:
    """Over REST a crash is told to all its clients; the next request loads the model again."""
    answers: list[httpx.Response] = []
    specifier = {"type": "query", "query": {"identifier": MODEL}}
    state = {"specifier": specifier, "throwIfNotFound": True}

    async def ask() -> None:
        answers.append(await chat(server, max_tokens=100_000, ignore_eos=True))
        answers.append(await chat(server))  # at once

    with anyio.fail_after(PATIENCE):
        assert (await chat(server)).status_code == 200
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(ask)
            while (await llm.rpc("getInstanceProcessingState", state))["queued"] < 3:
                await anyio.sleep(0.01)
            hit(server, signal.SIGSEGV)
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [500] * 4
    for answer in answers:
        if answer.status_code != 200:
            error = answer.json()["error"]
            assert error["code"] == "model_gone"
            assert f"The worker of {MODEL} (instance {MODEL}) crashed (SIGSEGV)" in error["message"]
    assert "Traceback" not in log.read_text(encoding="utf-8")


async def test_stream_over_rest_that_crashes(server: EmbeddedServer, log: Path) -> None:
    """A stream over REST whose worker crashes ends with an event that says so."""
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Tell me a story."}],
        "max_tokens": 100_000,
        "ignore_eos": True,
        "stream": True,
    }
    url = f"http://{server.address}/v1/chat/completions"
    lines: list[str] = []
    async with (
        httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client,
        client.stream("POST", url, json=body) as response,
    ):
        async for line in response.aiter_lines():
            lines.append(line)
            if len(lines) == 10:
                hit(server, signal.SIGSEGV)
    last = [line for line in lines if line][-1]
    assert last.startswith('data: {"error":')
    assert "crashed (SIGSEGV)" in last
    assert "Traceback" not in log.read_text(encoding="utf-8")


@pytest.mark.difference("worker-silence")
@pytest.mark.parametrize("moment", ["before the prompt", "between two tokens"])
async def test_stopped_worker_in_a_prediction(
    llm: Connection, server: EmbeddedServer, moment: str
) -> None:
    """A prediction whose worker is stopped ends with an error, and the worker is ended."""
    await load(llm, "mine")
    with anyio.fail_after(PATIENCE):
        with pytest.raises(ChannelError) as caught:  # noqa: PT012
            if moment == "before the prompt":
                hit(server, signal.SIGSTOP)
                await story(llm, server, None)
            else:
                await story(llm, server, signal.SIGSTOP)
        assert caught.value.error["title"].startswith(SILENT)
        assert workers_of(server) == set()
        await load(llm, "mine")
        assert await tokenize(llm)


@pytest.mark.difference("worker-silence")
async def test_long_prompt_is_no_silence(llm: Connection, server: EmbeddedServer) -> None:
    """A worker that writes nothing while it processes a long prompt at once is slow, not silent."""
    settings = stack(llm__load__contextLength=8192, llm__load__llama__evalBatchSize=8192)
    parameter = {"modelKey": MODEL, "identifier": "mine", "loadConfigStack": settings}
    async with llm.channel("loadModel", parameter) as channel:
        async for _ in channel:
            pass
    # At 300 tokens a second this takes longer than a worker may be silent.
    packets = await predict(llm, "word " * 1000, limit(1), "mine")
    assert packets[-1]["type"] == "success"


async def test_stopped_worker_in_a_call(llm: Connection, server: EmbeddedServer) -> None:
    """A call whose worker is stopped ends with an error."""
    await load(llm, "mine")
    hit(server, signal.SIGSTOP)
    with anyio.fail_after(PATIENCE), pytest.raises(RpcError) as caught:
        await tokenize(llm)
    assert caught.value.error["title"].startswith(SILENT)


async def test_stopped_worker_that_embeds(server: EmbeddedServer) -> None:
    """An embedding whose worker is stopped ends with an error."""
    parameter = {"modelKey": EMBEDDING, "identifier": "mine", "loadConfigStack": EMPTY_STACK}
    specifier = {"type": "query", "query": {"identifier": "mine"}}
    async with connect(server.address, "embedding") as embedding:
        async with embedding.channel("loadModel", parameter) as channel:
            async for _ in channel:
                pass
        hit(server, signal.SIGSTOP)
        request = {"modelSpecifier": specifier, "inputString": "Hi"}
        with anyio.fail_after(PATIENCE), pytest.raises(RpcError) as caught:
            await embedding.rpc("embedString", request)
    assert caught.value.error["title"].startswith(f"The worker of {EMBEDDING} (instance mine) gave")


async def test_stopped_worker_over_rest(server: EmbeddedServer) -> None:
    """A request over REST whose worker is stopped ends with an error; the next one is served."""
    assert (await chat(server)).status_code == 200
    hit(server, signal.SIGSTOP)
    with anyio.fail_after(PATIENCE):
        answer = await chat(server)
        assert answer.status_code == 500
        assert "gave no sign of life" in answer.json()["error"]["message"]
        assert (await chat(server)).status_code == 200


@pytest.mark.difference("worker-silence")
async def test_worker_that_is_stopped_while_it_loads(
    llm: Connection, server: EmbeddedServer
) -> None:
    """A load whose worker is stopped ends with an error."""

    async def stop() -> None:
        # Only once it runs the worker's program: starting a process waits for that moment.
        while not any(is_worker(pid) for pid in workers_of(server)):
            await anyio.sleep(0.001)
        hit(server, signal.SIGSTOP)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop)
            with pytest.raises(WireError, match=f"Failed to load {MODEL}: The worker .* no sign"):
                await load(llm, "mine")
        assert workers_of(server) == set()


async def test_unload_and_end_with_stopped_workers(llm: Connection, server: EmbeddedServer) -> None:
    """A stopped worker delays neither its unload nor the end of the server."""
    await load(llm, "mine")
    hit(server, signal.SIGSTOP)
    with anyio.fail_after(PATIENCE):
        await llm.rpc("unloadModel", {"identifier": "mine"})
        assert workers_of(server) == set()
        await load(llm)
        await load(llm)
        workers = workers_of(server)
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        await anyio.to_thread.run_sync(server.stop)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


async def test_model_that_fails_to_load_over_rest(server: EmbeddedServer, log: Path) -> None:
    """A crash while a model loads just in time is the server's failure, and is logged."""
    answers: list[httpx.Response] = []

    async def ask() -> None:
        answers.append(await chat(server))

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            while not any(is_worker(pid) for pid in workers_of(server)):
                await anyio.sleep(0.001)
            hit(server, signal.SIGKILL)
    (answer,) = answers
    assert answer.status_code == 500
    error = answer.json()["error"]
    crash = f"The worker of {MODEL} (instance {MODEL}) crashed (SIGKILL"
    assert error["code"] == "model_not_loaded"
    assert error["message"].startswith(f"Failed to load {MODEL}: {crash}")
    assert f"ERROR {crash}" in log.read_text(encoding="utf-8")
