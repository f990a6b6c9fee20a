"""Worker processes: start one, follow its log, end it."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import sys
from collections import deque
from collections.abc import Callable
from subprocess import PIPE

import anyio
import msgspec
from anyio.abc import Process, TaskGroup
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.text import TextReceiveStream

from .config import EngineConfig
from .errors import LoadFailedError

# What llama.cpp logs on its way to a loaded model, and how far it is then.
STAGES = (
    ("loading model '", 0.1),
    ("loaded meta data", 0.25),
    ("loading model tensors", 0.4),
    ("model buffer size", 0.7),
    ("constructing llama_context", 0.8),
    ("initializing, n_slots", 0.9),
)
LOG_PREFIX = re.compile(r"^[\d.]+ [A-Z] ")
STOP_TIMEOUT = 2.0
LOG_LINES = 200
LOG_LINE = 2000  # characters of a line that are kept: llama.cpp repeats what it can't read


class WorkerProcess:
    """A running worker. Make one with `start_worker`."""

    def __init__(self, process: Process, url: str, key: str) -> None:
        self._process = process
        self.url = url
        self.key = key
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.grammar_error = ""
        self.grammar_failed = anyio.Event()
        self.grammar_turn = anyio.Lock()  # whose grammar the error is about
        self.ended = anyio.Event()
        self.log_ended = anyio.Event()
        self.stopping = False
        self.loading = True

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def stop(self) -> None:
        """Ends the process and waits until its memory is back. May be called again."""
        self.stopping = self.stopping or not self.ended.is_set()  # no order if it has crashed
        self.loading = False
        with anyio.CancelScope(shield=True):
            if self._process.stdin is not None:
                with contextlib.suppress(OSError, anyio.BrokenResourceError):
                    await self._process.stdin.aclose()
            with anyio.move_on_after(STOP_TIMEOUT):
                await self._process.wait()
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
            self.ended.set()

    def expect_grammar(self) -> None:
        """Forgets the last grammar's error; for whoever has `grammar_turn`."""
        self.grammar_error = ""
        self.grammar_failed = anyio.Event()

    def note(self, line: str) -> None:
        """Keeps a line of the log and looks for what only the log tells."""
        text = LOG_PREFIX.sub("", line[:LOG_LINE])
        self.log.append(text)
        # llguidance reports a bad grammar here only, and llama.cpp then generates without one.
        if "llg error:" in text:
            self.grammar_error = text.split("llg error:", 1)[1].strip()
            self.grammar_failed.set()


async def start_worker(
    config: EngineConfig, tasks: TaskGroup, on_progress: Callable[[float], None]
) -> WorkerProcess:
    """Starts a worker and waits until its model is loaded.

    Args:
        config: what to load and how.
        tasks: runs the readers of the process's output for as long as it lives.
        on_progress: gets rising numbers up to 1.

    Raises:
        LoadFailedError: with llama.cpp's own reason.
    """
    key = secrets.token_hex(16)
    # A start that is cut off halfway would leave a process that nobody waits for.
    with anyio.CancelScope(shield=True):
        try:
            process = await anyio.open_process(
                [sys.executable, "-m", "model_fixtures.server.engine.worker"],
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
            )
        except OSError as error:
            raise LoadFailedError(f"cannot start a worker process: {error.strerror}") from error
    worker = WorkerProcess(process, "", key)
    try:
        tasks.start_soon(_follow_log, worker, process, on_progress)
        assert process.stdin is not None
        assert process.stdout is not None
        line = json.dumps({**msgspec.to_builtins(config), "key": key}) + "\n"
        with contextlib.suppress(anyio.BrokenResourceError):  # it has ended; its log says why
            await process.stdin.send(line.encode())
        answer = await _first_line(process)
        if answer is None:
            await worker.stop()
            with anyio.move_on_after(STOP_TIMEOUT):
                await worker.log_ended.wait()
            raise LoadFailedError(_reason(worker))
        worker.url = msgspec.json.decode(answer, type=_Ready).url
    except BaseException:
        await worker.stop()
        raise
    tasks.start_soon(_watch, worker, process)
    # What the log still has to say about the loading is no news any more.
    worker.loading = False
    on_progress(1.0)
    return worker


class _Ready(msgspec.Struct):
    url: str


async def _first_line(process: Process) -> bytes | None:
    assert process.stdout is not None
    try:
        return await BufferedByteReceiveStream(process.stdout).receive_until(b"\n", 65536)
    except (anyio.IncompleteRead, anyio.ClosedResourceError, anyio.BrokenResourceError):
        return None


async def _follow_log(
    worker: WorkerProcess, process: Process, on_progress: Callable[[float], None]
) -> None:
    assert process.stderr is not None
    rest = ""
    stages = deque(STAGES)
    try:
        async for text in TextReceiveStream(process.stderr, errors="replace"):
            *lines, rest = (rest + text).split("\n")
            for line in lines:
                worker.note(line)
                # The log can lag behind the answer that ends the load.
                while worker.loading and stages and stages[0][0] in line:
                    on_progress(stages.popleft()[1])
    except (anyio.ClosedResourceError, anyio.BrokenResourceError):
        pass
    if rest:
        worker.note(rest)
    worker.log_ended.set()


async def _watch(worker: WorkerProcess, process: Process) -> None:
    await process.wait()
    worker.ended.set()


def _reason(worker: WorkerProcess) -> str:
    """Why loading failed, in llama.cpp's words, without paths of this machine."""
    for line in worker.log:
        if "error loading model:" in line:
            reason = line.split("error loading model:", 1)[1].strip()
            if "failed to load model from" in reason:
                continue  # a more telling line stands before it
            return reason
    for line in worker.log:
        if "gguf_init" in line or "invalid magic" in line:
            return line.split(":", 1)[1].strip()
    tail = [line for line in worker.log if line.strip()]
    return tail[-1] if tail else "the worker process ended without a word"
