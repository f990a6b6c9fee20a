"""The embedded server in the background: it outlives the command that starts it.

A state file says which process was started. Only that very process is ever ended.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock
from platformdirs import user_state_path

from .errors import EmbeddedServerError, HostError
from .process_identity import end, start_mark
from .server_command import last_words, parse_ready, spawn, tail

READY_WITHIN = 60.0
_POLL = 0.05


class BackgroundServer(msgspec.Struct, frozen=True):
    """A server that was started in the background.

    `mark` tells the process from a later one with the same pid; `addresses` is empty until the
    server is ready.
    """

    pid: int
    mark: str
    log: str
    addresses: tuple[str, ...] = ()


def state_folder() -> Path:
    """Return where state file and log live: the per-user state folder."""
    return user_state_path("lmstudio-model-fixtures", appauthor=False)


def running(folder: Path | None = None) -> BackgroundServer | None:
    """Return the background server, if the one that was started last still runs."""
    state = _read(_state_file(folder or state_folder()))
    return state if state is not None and start_mark(state.pid) == state.mark else None


def start(
    arguments: Sequence[str] = (),
    *,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
    ready_within: float = READY_WITHIN,
) -> tuple[BackgroundServer, bool]:
    """Start the server in the background and wait until it is ready.

    Args:
        arguments: options of `python -m model_fixtures serve`.
        folder: where state and log go, by default the per-user state folder.
        environ: environment of the server, by default that of this process.
        ready_within: seconds until it must be ready.

    Returns:
        The server, and whether it was started by this call (else it was running already).

    Raises:
        EmbeddedServerError: it ended or took too long; nothing is left of it.
    """
    folder = folder or state_folder()
    with _locked(folder):
        present = running(folder)
        if present is not None and present.addresses:
            return present, False
        if present is not None:
            # Whoever started it was killed before it was ready.
            end(present.pid, present.mark)
        return _start(arguments, folder, environ, ready_within), True


def stop(folder: Path | None = None) -> BackgroundServer | None:
    """End the background server and its workers; the ended server, None when none was running."""
    folder = folder or state_folder()
    with _locked(folder):
        state = _read(_state_file(folder))
        ended = state is not None and end(state.pid, state.mark)
        _state_file(folder).unlink(missing_ok=True)
        return state if ended else None


def _start(
    arguments: Sequence[str],
    folder: Path,
    environ: Mapping[str, str] | None,
    ready_within: float,
) -> BackgroundServer:
    log = folder / "server.log"
    with _usable(folder):
        writer = log.open("wb")
    with writer:
        process = spawn(
            arguments, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, environ=environ
        )
    mark = start_mark(process.pid)
    try:
        if mark is not None:
            # Written before it is ready, so that `stop` finds it even if this process is killed.
            server = BackgroundServer(process.pid, mark, str(log))
            _write(_state_file(folder), server)
            addresses = _wait_ready(process, log, ready_within)
            server = msgspec.structs.replace(server, addresses=addresses)
            _write(_state_file(folder), server)
            # It is not ours to wait for: no complaint about a running child at exit.
            process.returncode = 0
            return server
        _wait_ready(process, log, ready_within)
        msg = "the server ended as soon as it was ready"
        raise EmbeddedServerError(msg, tail(_text(log)))
    except BaseException:
        # Ctrl-C too: nothing half-done is left.
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _state_file(folder).unlink(missing_ok=True)
        raise


def _wait_ready(
    process: subprocess.Popen[bytes], log: Path, ready_within: float
) -> tuple[str, ...]:
    deadline = time.monotonic() + ready_within
    while True:
        ended = process.poll() is not None
        text = _text(log)
        # A line counts once it is whole.
        for line in text[: text.rfind("\n") + 1].splitlines():
            addresses = parse_ready(line)
            if addresses and not ended:
                return addresses
        if ended:
            msg = f"the server did not start (exit status {process.returncode}): {last_words(text)}"
            raise EmbeddedServerError(msg, tail(text))
        if time.monotonic() > deadline:
            msg = f"the server is not ready after {ready_within:g} s: {last_words(text)}"
            raise EmbeddedServerError(msg, tail(text))
        time.sleep(_POLL)


def _text(log: Path) -> str:
    return log.read_text("utf-8", "replace")


def _state_file(folder: Path) -> Path:
    return folder / "server.json"


def _read(path: Path) -> BackgroundServer | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=BackgroundServer)
    except (OSError, msgspec.DecodeError):
        return None


def _write(path: Path, server: BackgroundServer) -> None:
    staged = path.with_suffix(".new")
    with _usable(path.parent):
        staged.write_bytes(msgspec.json.encode(server))
        staged.replace(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Provide one start or stop at a time."""
    lock = FileLock(folder / "server.lock")
    with _usable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"cannot use {folder} ({error.strerror}): make it writable or set XDG_STATE_HOME"
        raise HostError(msg) from None
