"""Processes by pid and start mark."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest
from model_fixtures.hosts.process_identity import end, start_mark

WAIT = "import sys; sys.stdin.read()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); "


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """Provide a process that waits for the end of its stdin."""
    with subprocess.Popen([sys.executable, "-c", WAIT], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.fixture(autouse=True, params=["this system", "a system without /proc"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test as on this system, and as on macOS, where psutil knows the processes."""
    if request.param != "this system":
        psutil.Process()  # psutil asks for the platform when it begins
        monkeypatch.setattr(sys, "platform", "darwin")


def mark_of(process: subprocess.Popen[bytes]) -> str:
    """Return the mark of a running process."""
    mark = start_mark(process.pid)
    assert mark is not None
    return mark


def test_marks_tell_processes_apart(child: subprocess.Popen[bytes]) -> None:
    """A process keeps its mark, and another process has another one."""
    assert mark_of(child) == mark_of(child)
    assert mark_of(child) != start_mark(os.getpid())


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="only POSIX has zombies")
def test_an_ended_process_has_no_mark(child: subprocess.Popen[bytes]) -> None:
    """A process that has ended has no mark, as a zombie and after it is reaped."""
    child.kill()
    # This waits without reaping the process.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert start_mark(child.pid) is None
    child.wait()
    assert start_mark(child.pid) is None


def test_end(child: subprocess.Popen[bytes]) -> None:
    """A process with the right mark is ended; the result says whether there was one."""
    mark = mark_of(child)
    assert end(child.pid, mark)
    assert child.wait() != 0
    assert not end(child.pid, mark)


def test_a_reused_pid_is_left_alone(child: subprocess.Popen[bytes]) -> None:
    """A process with the pid but another mark, as after reuse of the pid, is left alone."""
    assert not end(child.pid, "another")
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait() == 0


def test_a_stubborn_process_is_killed() -> None:
    """A process that ignores SIGTERM is killed."""
    command = [sys.executable, "-c", STUBBORN + WAIT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert end(process.pid, mark_of(process), patience=0.1)
        assert process.wait() == -9
