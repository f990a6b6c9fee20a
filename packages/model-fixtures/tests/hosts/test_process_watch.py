"""The end of another process is noticed, and nothing else is taken for it."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from model_fixtures.hosts import process_watch
from model_fixtures.hosts.process_identity import start_mark
from model_fixtures.hosts.process_watch import call_after_end_of

HANGS = 30  # seconds


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """Provide a process that runs until its stdin is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as process:
        yield process


def end(process: subprocess.Popen[bytes]) -> None:
    """End the process and wait for it."""
    assert process.stdin is not None
    process.stdin.close()
    process.wait(HANGS)


def test_end_is_noticed(other: subprocess.Popen[bytes]) -> None:
    """The function is called once the process has ended."""
    ended = threading.Event()
    call_after_end_of(other.pid, ended.set)
    end(other)
    assert ended.wait(HANGS)


def test_process_that_is_gone(other: subprocess.Popen[bytes]) -> None:
    """The function is called at once if there is no such process."""
    end(other)
    ended = threading.Event()
    call_after_end_of(other.pid, ended.set)
    assert ended.wait(HANGS)


def test_no_handle_left(other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that cannot be looked at, for lack of file handles, is not taken for ended."""
    looks = 0
    looked, ended = threading.Event(), threading.Event()

    def look(pid: int) -> str | None:
        nonlocal looks
        looks += 1
        if looks in (1, 3):
            raise OSError(errno.EMFILE, "Too many open files")
        if looks == 4:
            looked.set()
        return start_mark(pid)

    monkeypatch.setattr(process_watch, "start_mark", look)
    monkeypatch.setattr(process_watch, "_POLL", 0.01)
    call_after_end_of(other.pid, ended.set)
    assert looked.wait(HANGS)
    assert not ended.is_set()
    end(other)
    assert ended.wait(HANGS)
