"""The embedded server as a child process of a test run, which it never outlives."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from .errors import EmbeddedServerError
from .server_log_lines import lines_since, read_end
from .spawn_server import (
    READY_WITHIN,
    SERVER_TOKEN_VARIABLE,
    last_words,
    parse_ready,
    spawn,
    tail,
)

_PATIENCE = 8.0

_started: weakref.WeakSet[EmbeddedServer] = weakref.WeakSet()


def started_servers() -> list[EmbeddedServer]:
    """Return the servers that this process has started, as long as anything refers to them."""
    return list(_started)


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != SERVER_TOKEN_VARIABLE}


def _let_go_in_children(process: subprocess.Popen[bytes]) -> None:
    """Have forks of this process close the server's stdin, which they would hold open."""

    def let_go() -> None:
        server = reference()
        if server is not None and server.stdin is not None:
            with contextlib.suppress(OSError):
                server.stdin.close()

    reference = weakref.ref(process)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=let_go)


class EmbeddedServer:
    """A server process on a free loopback port, started by `start` or on entering the context.

    The server exits when its stdin closes, so it ends even if this process is killed. All methods
    may be called from any thread.

    Args:
        arguments: more options of `python -m model_fixtures serve`.
        ready_within: seconds until it must be ready.
        environ: the server's environment, or what returns it when the server starts. By default
            it is that of this process without LMSTUDIO_SERVER_API_TOKEN, which is meant for a
            server of the user's own.
        log: a file for the server's stderr; by default a temporary one. Errors quote its end.
        port: the loopback port; 0 takes a free one.
    """

    def __init__(
        self,
        arguments: Sequence[str] = (),
        *,
        ready_within: float = READY_WITHIN,
        environ: Callable[[], Mapping[str, str]] | Mapping[str, str] | None = None,
        log: Path | None = None,
        port: int = 0,
    ) -> None:
        self._arguments = ("--port", str(port), "--no-default-ports", "--lifeline", *arguments)
        self._ready_within = ready_within
        self._environ = environ if environ is not None else _inherited
        self._log_path = log
        self._log: IO[bytes] | None = None
        self._leftover: Path | None = None  # the log, where an open file cannot be removed
        self._lock = threading.Lock()
        self._log_lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None
        self._addresses: tuple[str, ...] = ()
        self._settled = threading.Event()
        self._stopped = False

    def __enter__(self) -> EmbeddedServer:
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process id; None before `start`."""
        return None if self._process is None else self._process.pid

    @property
    def address(self) -> str:
        """The server's `host:port`; like `wait_ready`, it starts the server and waits for it."""
        return self.wait_ready()[0]

    def start(self) -> None:
        """Start the process without waiting for it; further calls have no effect."""
        with self._lock:
            if self._stopped:
                raise EmbeddedServerError("the embedded server has been stopped")
            if self._process is not None:
                return
            writer, self._log = self._open_log()
            with writer:
                self._process = spawn(
                    self._arguments,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=writer,
                    environ=self._environ() if callable(self._environ) else self._environ,
                )
            _let_go_in_children(self._process)
            _started.add(self)
            self._listener = threading.Thread(
                target=self._listen, args=(self._process,), name="embedded-server", daemon=True
            )
            self._listener.start()

    def wait_ready(self) -> tuple[str, ...]:
        """Start the server if it has not been started, and return its addresses once it is ready.

        Raises:
            EmbeddedServerError: it ended, took too long, or was stopped in the meantime.
        """
        self.start()
        if not self._settled.wait(self._ready_within):
            self._fail(f"is not ready after {self._ready_within:g} s")
        if self._stopped:
            raise EmbeddedServerError("the embedded server has been stopped")
        if not self._addresses:
            status = None if self._process is None else self._process.poll()
            self._fail(f"did not start (exit status {status})")
        if self.exit_status is not None:
            self._fail(f"has ended (exit status {self.exit_status})")
        return self._addresses

    @property
    def exit_status(self) -> int | None:
        """The exit status if the server ended by itself; None while it runs or after `stop`."""
        return None if self._process is None or self._stopped else self._process.poll()

    def begin_stop(self) -> None:
        """Tell the server and its workers to end without waiting; call `stop` afterwards."""
        with self._lock:
            self._stopped = True
            process = self._process
        self._settled.set()
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()

    def stop(self) -> None:
        """End the server and its workers; no effect if they have ended."""
        self.begin_stop()
        process = self._process
        if process is None:
            return
        for force in (None, process.terminate, process.kill):
            if force is not None:
                force()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
                break
        if self._listener is not None:
            self._listener.join(_PATIENCE)
        if process.stdout is not None and (self._listener is None or not self._listener.is_alive()):
            process.stdout.close()
        if self._log is not None:
            self._log.close()
        if self._leftover is not None:
            with contextlib.suppress(OSError):  # a worker that is ending has it open
                self._leftover.unlink()

    def kill(self) -> None:
        """Kill the server, whereupon its workers end; call `stop` afterwards."""
        if self._process is not None:
            self._process.kill()

    @property
    def ended(self) -> int | None:
        """The exit status of the process, however it ended; None if it runs or was not started."""
        return None if self._process is None else self._process.poll()

    def wait(self) -> None:
        """Wait until the process has ended, if it was started."""
        if self._process is not None:
            self._process.wait()

    def log(self) -> str:
        """Return what the server has written to stderr, of a very long log the end."""
        return self._log_end()

    def log_tail(self) -> str:
        """Return the last lines that the server has written to stderr."""
        return tail(self._log_end())

    def log_since(self, start: float) -> str:
        """Return the lines that the server has logged since `start` (seconds since the epoch)."""
        return lines_since(self._log_end(), start)

    @property
    def name(self) -> str:
        """The address, for messages; a placeholder before the server is ready."""
        return self._addresses[0] if self._addresses else f"process {self.pid}"

    def _log_end(self) -> str:
        with self._log_lock:  # reading moves the one position of the file
            if self._log is None:
                return ""
            try:
                return read_end(self._log)
            except ValueError:  # the file is closed, perhaps by another thread just now
                return ""

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Read the server's stdout to its end, so that the pipe never fills; note the addresses."""
        assert process.stdout is not None
        for line in process.stdout:
            if not self._addresses:
                self._addresses = parse_ready(line.decode("utf-8", "replace"))
                if self._addresses:
                    self._settled.set()
        process.wait()
        self._settled.set()

    def _open_log(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._log_path is not None:
            return self._log_path.open("ab"), self._log_path.open("rb")
        descriptor, name = tempfile.mkstemp(prefix="lmstudio-embedded-", suffix=".log")
        os.close(descriptor)
        path = Path(name)
        writer, reader = path.open("ab"), path.open("rb")
        if os.name == "posix":
            # A file without a name vanishes with the last process that has it open.
            path.unlink()
        else:
            self._leftover = path
        return writer, reader

    def _fail(self, what: str) -> None:
        log = self.log_tail()
        raise EmbeddedServerError(f"the embedded server {what}: {last_words(log)}", log)
