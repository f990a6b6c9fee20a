"""No process is left after a run, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from model_fixtures.hosts.process_identity import start_mark

from .conftest import Suite

pytestmark = pytest.mark.usefixtures("weights", "interruptible")

SIGKILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows imports this file, too
# Seconds after which no process may be left.
BAR = 10.0
RUNNING = """
    import threading
    from pathlib import Path
    import pytest

    @pytest.mark.models
    def test_long(loaded_models):
        Path("running").touch()
        threading.Event().wait()
"""
QUICK = """
    import pytest

    @pytest.mark.models
    def test_models(loaded_models):
        pass
"""


def children(pid: int) -> list[int]:
    """Return the pids of those children of a process that have not ended."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(folder.name))
    return found


def descendants(pid: int) -> list[int]:
    """Return the pids of a process and of all its descendants."""
    return [pid, *(below for child in children(pid) for below in descendants(child))]


def files(pid: int) -> set[str]:
    """Return the targets of the open descriptors of a process."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found.add(str(descriptor.readlink()))
    return found


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Check a condition until it is true; return whether that happened in time."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def left(processes: dict[int, str | None]) -> list[int]:
    """Return those processes that are still running."""
    return [pid for pid, mark in processes.items() if mark and start_mark(pid) == mark]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
@pytest.mark.parametrize("kill", [signal.SIGINT, SIGKILL], ids=["ctrl-c", "sigkill"])
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "parallel"])
@pytest.mark.parametrize("moment", ["starting", "running"])
def test_nothing_survives(
    suite: Suite, kill: signal.Signals, workers: tuple[str, ...], moment: str
) -> None:
    """After Ctrl-C or SIGKILL at any time, all processes end, and the next run passes."""
    suite.write(RUNNING)
    command = suite.command("--lmstudio-host", "embedded", *workers)
    with subprocess.Popen(
        command,
        cwd=suite.folder,
        env=suite.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # The run has a process group of its own, all of which gets Ctrl-C, as in a shell.
        start_new_session=True,
    ) as run:
        try:
            file = suite.folder / ("servers" if moment == "starting" else "running")
            assert wait_until(lambda: file.exists() and bool(suite.servers()), 60)
            processes = {pid: start_mark(pid) for pid in descendants(run.pid)}
            assert suite.servers()[0] in processes
            if moment == "running":
                # the server and its four models
                assert len(children(suite.servers()[0])) >= 4
            if kill == signal.SIGINT:
                os.killpg(run.pid, kill)
            else:
                run.send_signal(kill)
            assert wait_until(lambda: not left(processes), BAR), left(processes)
            if kill == signal.SIGINT:
                assert run.wait() == pytest.ExitCode.INTERRUPTED
        finally:
            # Leaving the block waits for the run, even after a failed assertion.
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
    if moment == "running" and not workers:
        suite.write(QUICK)
        outcome = suite.run("--lmstudio-host", "embedded")
        assert outcome.counts == {"passed": 1}, outcome.text


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
def test_ctrl_c_again_while_the_server_ends(suite: Suite) -> None:
    """A second Ctrl-C while the server ends kills it, without a traceback."""
    suite.write(RUNNING)
    with subprocess.Popen(
        suite.command("--lmstudio-host", "embedded"),
        cwd=suite.folder,
        env=suite.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        try:
            assert wait_until((suite.folder / "running").exists, 60)
            (server,) = suite.servers()
            processes = {pid: start_mark(pid) for pid in descendants(server)}
            lifeline = str(Path(f"/proc/{server}/fd/0").readlink())
            os.kill(server, signal.SIGSTOP)  # it never ends now
            run.send_signal(signal.SIGINT)
            assert wait_until(lambda: lifeline not in files(run.pid), BAR)
            run.send_signal(signal.SIGINT)
            output, _ = run.communicate(timeout=BAR)
        finally:
            run.kill()
            for pid in suite.servers():  # a stopped process does not end by itself
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
    assert run.returncode == pytest.ExitCode.INTERRUPTED
    assert "Traceback" not in output
    assert wait_until(lambda: not left(processes), BAR), left(processes)


def test_the_server_ends_with_the_run(suite: Suite) -> None:
    """After an undisturbed run its server has ended, too."""
    suite.write(QUICK)
    outcome = suite.run("--lmstudio-host", "embedded", "-n", "1")
    assert outcome.counts == {"passed": 1}, outcome.text
    assert [start_mark(pid) for pid in suite.servers()] == [None]


TALKING = """
    import anyio
    import os
    import signal
    from pathlib import Path
    import pytest
    from model_fixtures.wire_client import connect

    async def notify(address):
        async with connect(address, "system") as system:
            notification = {{"title": "Look here", "description": ""}}
            await system.rpc("notify", notification)

    def notify_for_ever(address):
        while True:
            anyio.run(notify, address)

    def test_it(lmstudio_host):
        anyio.run(notify, lmstudio_host)
        {end}
"""
# The call fails if the server has ended.
KILL = "os.kill(int(Path('servers').read_text()), signal.SIGKILL); notify_for_ever(lmstudio_host)"


def test_the_log_after_a_failure(suite: Suite) -> None:
    """The end of the embedded server's log is shown after a failure, and only then."""
    suite.write(TALKING.format(end="assert False"))
    outcome = suite.run("--lmstudio-host", "embedded", "-n", "1")
    assert "embedded server's log, last lines" in outcome.text
    assert "INFO notification: Look here" in outcome.text
    suite.write(TALKING.format(end="pass"))
    assert "Look here" not in suite.run("--lmstudio-host", "embedded", "-n", "1").text


def test_a_server_that_ends_before_the_run(suite: Suite) -> None:
    """If the embedded server crashes, the summary says so and shows the end of its log."""
    suite.write(TALKING.format(end=KILL))
    outcome = suite.run("--lmstudio-host", "embedded", "-n", "1")
    assert outcome.counts == {"failed": 1}, outcome.text
    assert "lmstudio: the embedded server has ended (exit status -9)" in outcome.lines
    assert "INFO notification: Look here" in outcome.text
