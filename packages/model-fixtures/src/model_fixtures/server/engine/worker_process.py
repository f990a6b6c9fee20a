"""Worker processes: start one, follow its log, watch over it, end it."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import secrets
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from subprocess import PIPE

import anyio
import msgspec
from anyio.abc import Process, TaskGroup
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.text import TextReceiveStream

from model_fixtures.server.client_errors import is_exhaustion

from .errors import LoadFailedError
from .load_config import EngineConfig
from .runtime_log import RuntimeLog
from .worker_exit import how_it_ended, last_words
from .worker_silence import TICK, Silence, signs_of

# What llama.cpp logs while it loads a model, and the progress at that point.
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
LOAD_FAILED = 1  # exit status of a worker that can't load its model
LOG_LINES = 200
LOG_LAG = 2.0  # seconds by which the log may lag behind the answer that it is about
LONGEST_LINE = 2000  # characters kept of a line: llama.cpp repeats input that it can't parse
LOGGED_LINES = 12  # lines of a crashed worker's log that the server's log repeats

logger = logging.getLogger("model_fixtures.server")


class GrammarWatch:
    """Watches a worker's log for an error in the grammar of one request."""

    def __init__(self) -> None:
        self.error = ""
        self.failed = anyio.Event()
        self._started = False
        self._ended = anyio.Event()

    def note(self, text: str) -> None:
        """Look at a line of the log."""
        # llguidance reports a bad grammar only here, and llama.cpp then generates without one.
        if "llg error:" in text:
            self.error = text.split("llg error:", 1)[1].strip()
            self.failed.set()
        elif "| processing task" in text:
            self._started = True
        elif self._started and "| stop processing:" in text:
            self._ended.set()

    async def settle(self) -> None:
        """Wait until the log, which may lag behind, has caught up with a complete answer."""
        with anyio.move_on_after(LOG_LAG):
            await self._ended.wait()


class WorkerProcess:
    """A running worker. Make one with `start_worker`.

    Args:
        process: the process.
        name: what errors and logs call it.
        url: where it serves once the model is loaded.
        key: the API key that it requires.
        identifier: that of the instance that it serves.
    """

    def __init__(
        self, process: Process, name: str, url: str, key: str, identifier: str = ""
    ) -> None:
        self._process = process
        self.name = name
        self.url = url
        self.key = key
        self.failure = ""  # why it ended, unless it was stopped
        self._waiting = 0
        self._waited_for = anyio.Event()
        self._heard = 0
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self._runtime_log = RuntimeLog(identifier, process.pid)
        self._grammar = GrammarWatch()
        self.grammar_lock = anyio.Lock()  # held by the request whose grammar the log is about
        self.ended = anyio.Event()
        self.log_ended = anyio.Event()
        self.stopping = False
        self.loading = True
        self.listeners: set[Callable[[str], None]] = set()  # called with each line of the log

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Provide a block that waits for the worker, which must not fall silent meanwhile."""
        self._waiting += 1
        self._waited_for.set()
        try:
            yield
        finally:
            self._waiting -= 1

    def heard(self) -> None:
        """Note that the worker has written something, which is a sign of life."""
        self._heard += 1

    async def watch(self, limit: float) -> None:
        """End the process when it gives no sign of life although somebody waits for it.

        Args:
            limit: seconds of silence.
        """
        silence = Silence()
        while not self.ended.is_set():
            if not self._waiting:
                silence.break_off()
                self._waited_for = anyio.Event()
                await self._waited_for.wait()
                continue
            signs = signs_of(self.pid, self._heard)
            if signs is not None:
                silence.look(signs)
            if silence.looks * TICK >= limit:
                self.failure = f"The worker of {self.name} gave no sign of life for {limit:g} s"
                self._kill()
                return
            await anyio.sleep(TICK)

    async def stop(self) -> None:
        """End the process and wait until its memory is free. May be called again."""
        self.stopping = self.stopping or not self.ended.is_set()  # a crash stays a crash
        self.loading = False
        with anyio.CancelScope(shield=True):
            if self._process.stdin is not None:
                with contextlib.suppress(OSError, anyio.BrokenResourceError):
                    await self._process.stdin.aclose()
            with anyio.move_on_after(STOP_TIMEOUT):
                await self._process.wait()
            if self._process.returncode is None:
                self._kill()
                with anyio.move_on_after(STOP_TIMEOUT):  # a process can hang in the system
                    await self._process.wait()
            self.ended.set()
            self._waited_for.set()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended just now
            self._process.kill()

    async def follow_to_end(self) -> None:
        """Wait for the end of the process, and tell the log about it unless it was stopped."""
        await self._process.wait()
        with anyio.move_on_after(STOP_TIMEOUT):
            await self.log_ended.wait()
        status = self._process.returncode
        if not self.stopping:
            how = how_it_ended(status)
            why = self.failure or f"The worker of {self.name} crashed ({how})"
            words = last_words(self.log)
            self.failure = f"{why}; its last words: {words}" if words else why
            # A model that can't be loaded is no crash; the client that loads it is told.
            if not self.loading or status != LOAD_FAILED:
                logger.error("%s; its last words: %s", why, last_words(self.log, LOGGED_LINES))
        self.ended.set()
        self._waited_for.set()

    def watch_grammar(self) -> GrammarWatch:
        """Return a watch on the next request's grammar; the caller holds `grammar_lock`."""
        self._grammar = GrammarWatch()
        return self._grammar

    def note(self, line: str) -> None:
        """Keep a line of the log, and look for an error of the grammar in it."""
        self._runtime_log.note(line[:LONGEST_LINE])
        text = LOG_PREFIX.sub("", line[:LONGEST_LINE])
        self.log.append(text)
        self._grammar.note(text)
        for listener in tuple(self.listeners):
            listener(text)


async def start_worker(
    config: EngineConfig, tasks: TaskGroup, on_progress: Callable[[float], None]
) -> WorkerProcess:
    """Start a worker and wait until its model is loaded.

    Args:
        config: what to load and how.
        tasks: runs the readers of the process's output for as long as it lives.
        on_progress: gets rising numbers up to 1.

    Raises:
        LoadFailedError: the model can't be loaded; the text is llama.cpp's own reason.
        OSError: the system has no handle or memory left.
    """
    key = secrets.token_hex(16)
    # A start that is cut off halfway would leave a process that nobody waits for.
    with anyio.CancelScope(shield=True):
        try:
            process = await anyio.open_process(
                [sys.executable, "-m", "model_fixtures.server.engine.worker_main"],
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
            )
        except OSError as error:
            if is_exhaustion(error):
                raise
            raise LoadFailedError(f"cannot start a worker process: {error.strerror}") from error
    worker = WorkerProcess(process, config.name, "", key, config.alias)
    try:
        tasks.start_soon(_follow_log, worker, process, on_progress)
        tasks.start_soon(worker.follow_to_end)
        tasks.start_soon(worker.watch, config.silence)
        assert process.stdin is not None
        line = json.dumps({**msgspec.to_builtins(config), "key": key}) + "\n"
        with contextlib.suppress(anyio.BrokenResourceError):  # it has ended; its log says why
            await process.stdin.send(line.encode())
        with worker.awaited():
            answer = await _first_line(process)
        if answer is None:
            with anyio.move_on_after(STOP_TIMEOUT):
                await worker.ended.wait()
            await worker.stop()
            raise LoadFailedError(_reason(worker))
        worker.url = msgspec.json.decode(answer, type=_Ready).url
    except BaseException:
        await worker.stop()
        raise
    # Later lines of the log about loading are out of date.
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
            worker.heard()
            *lines, rest = (rest + text).split("\n")
            rest = rest[:LONGEST_LINE]
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


def _reason(worker: WorkerProcess) -> str:
    """Return why loading failed, in llama.cpp's words, without paths of this machine."""
    for line in worker.log:
        if "error loading model:" in line:
            reason = line.split("error loading model:", 1)[1].strip()
            if "failed to load model from" in reason:
                continue  # another line is more specific
            return reason
    for line in worker.log:
        if "gguf_init" in line or "invalid magic" in line:
            return line.split(":", 1)[1].strip()
    return worker.failure or last_words(worker.log) or "its process ended without a word"
