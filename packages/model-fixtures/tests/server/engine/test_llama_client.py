"""The client of a worker that has ended."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
import pytest
from model_fixtures.server.engine.errors import InstanceGoneError
from model_fixtures.server.engine.llama_client import LlamaServer
from model_fixtures.server.engine.worker_process import WorkerProcess

pytestmark = pytest.mark.anyio
CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
Call = Callable[[LlamaServer], Awaitable[object]]


async def complete(llama: LlamaServer) -> None:
    """Read a completion."""
    async for _ in llama.complete({"prompt": "Hi"}):
        pass


async def prompt_lock(llama: LlamaServer) -> None:
    """Take the prompt lock."""
    async with llama.prompt_lock():
        pass


CALLS: dict[str, Call] = {
    "tokenize": lambda llama: llama.tokenize("Hi", special=True),
    "embed": lambda llama: llama.embed([[1]]),
    "apply_template": lambda llama: llama.apply_template({"messages": []}),
    "properties": lambda llama: llama.properties(),
    "complete": complete,
}


@pytest.fixture
async def worker() -> AsyncIterator[WorkerProcess]:
    """Provide a worker that crashes at once; the server has not noticed that yet."""
    async with await anyio.open_process(
        [sys.executable, "-c", CRASH], stderr=subprocess.DEVNULL
    ) as process:
        worker = WorkerProcess(process, "a model (instance mine)", "http://127.0.0.1:9", "key")
        worker.loading = False
        worker.log.append("the last words")
        worker.log_ended.set()
        yield worker


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("closed", [False, True], ids=["right after", "when it is forgotten"])
async def test_call_of_a_crashed_worker(worker: WorkerProcess, call: Call, closed: bool) -> None:
    """Every call says how the worker ended, whether or not the server has noticed that already."""
    llama = LlamaServer(worker)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.follow_to_end)
        if closed:
            await worker.ended.wait()
            await llama.close()
        with pytest.raises(InstanceGoneError) as caught:
            await call(llama)
    assert not caught.value.unloaded
    how = signal.SIGSEGV.name
    assert str(caught.value) == (
        f"The worker of a model (instance mine) crashed ({how}); its last words: the last words"
    )
    await llama.close()


@pytest.mark.parametrize("call", [*CALLS.values(), prompt_lock], ids=[*CALLS, "prompt_lock"])
async def test_call_of_an_unloaded_worker(worker: WorkerProcess, call: Call) -> None:
    """Every call says that the model was unloaded."""
    llama = LlamaServer(worker)
    await worker.stop()
    worker.stopping = True  # the worker here had ended by itself before
    await llama.close()
    with pytest.raises(InstanceGoneError, match="The model was unloaded") as caught:
        await call(llama)
    assert caught.value.unloaded
