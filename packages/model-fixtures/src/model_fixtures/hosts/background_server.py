"""The embedded server in the background, where it outlives the command that starts it.

A state file names the process that was started. No other process is ever ended.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock

from model_fixtures.user_paths import state_folder

from .address import split_address
from .errors import EmbeddedServerError, HostError
from .process_identity import end, start_mark
from .server_log_lines import lines_since, read_end
from .spawn_server import (
    READY_WITHIN,
    SERVER_TOKEN_VARIABLE,
    last_words,
    parse_ready,
    spawn,
    tail,
)

_POLL = 0.05
_LOOPBACK = ("localhost", "::1", "0.0.0.0")  # noqa: S104 (names that are compared)


class BackgroundServer(msgspec.Struct, frozen=True):
    """A server that was started in the background.

    `mark` distinguishes the process from a later one with the same pid; `addresses` is empty until
    the server is ready. `arguments` are those that it was started with, and `has_token` says
    whether it asks clients for one; None means that an older release has started it.
    """

    pid: int
    mark: str
    log: str
    addresses: tuple[str, ...] = ()
    arguments: tuple[str, ...] | None = None
    has_token: bool | None = None


def running(folder: Path | None = None) -> BackgroundServer | None:
    """Return the background server that was started last, None if it no longer runs."""
    state = _read(_state_file(folder or state_folder()))
    return state if state is not None and start_mark(state.pid) == state.mark else None


def log_since(address: str, start: float, folder: Path | None = None) -> str | None:
    """Return what the background server at an address has logged since a moment.

    Args:
        address: `host:port` of a host; names of this machine are the same.
        start: seconds since the epoch.
        folder: where state and log are stored, by default the per-user state folder.

    Returns:
        The lines; None if another server answers there, or the log cannot be read. The log of a
        server that has crashed is still there.
    """
    state = _read(_state_file(folder or state_folder()))
    if state is None or _place(address) not in map(_place, state.addresses):
        return None
    try:
        with Path(state.log).open("rb") as log:
            return lines_since(read_end(log), start)
    except OSError:
        return None


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
        folder: where state and log are stored, by default the per-user state folder.
        environ: the server's environment, by default that of this process.
        ready_within: seconds until it must be ready.

    Returns:
        The server, and whether this call started it; False means that it was running already.

    Raises:
        EmbeddedServerError: it ended or took too long; no process of it is left.
    """
    folder = folder or state_folder()
    with _locked(folder):
        present = running(folder)
        if present is not None and present.addresses:
            return present, False
        if present is not None:
            # The command that started it was killed before the server was ready.
            end(present.pid, present.mark)
        return _start(arguments, folder, environ, ready_within), True


def stop(folder: Path | None = None) -> BackgroundServer | None:
    """End the background server with its workers, and return it; None if none was running."""
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
            # Write the state before it is ready, so that `stop` finds the server even if this
            # process is killed.
            token = (os.environ if environ is None else environ).get(SERVER_TOKEN_VARIABLE)
            server = BackgroundServer(
                process.pid, mark, str(log), arguments=tuple(arguments), has_token=bool(token)
            )
            _write(_state_file(folder), server)
            addresses = _wait_ready(process, log, ready_within)
            server = msgspec.structs.replace(server, addresses=addresses)
            _write(_state_file(folder), server)
            # The server is to outlive this process: keep Popen from warning about that.
            process.returncode = 0
            return server
        _wait_ready(process, log, ready_within)
        raise EmbeddedServerError("the server ended as soon as it was ready", tail(_text(log)))
    except BaseException:
        # Leave no half-started server, not even after Ctrl-C.
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
        # Only read lines that have been written completely.
        for line in text[: text.rfind("\n") + 1].splitlines():
            addresses = parse_ready(line)
            if addresses and not ended:
                return addresses
        if ended:
            raise EmbeddedServerError(
                f"the server did not start (exit status {process.returncode}): {last_words(text)}",
                tail(text),
            )
        if time.monotonic() > deadline:
            raise EmbeddedServerError(
                f"the server is not ready after {ready_within:g} s: {last_words(text)}", tail(text)
            )
        time.sleep(_POLL)


def _place(address: str) -> tuple[str, int]:
    host, port = split_address(address)
    return ("127.0.0.1" if host in _LOOPBACK else host), port


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
    """Let only one process at a time start or stop the server."""
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
        raise HostError(
            f"cannot use {folder} ({error.strerror}): make it writable or set XDG_STATE_HOME"
        ) from None
