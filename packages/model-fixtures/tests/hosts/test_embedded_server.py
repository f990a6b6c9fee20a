"""The embedded server as a child of this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from model_fixtures.hosts import EmbeddedServerError, greeting_problem, is_own_server
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.hosts.process_identity import start_mark
from model_fixtures.wire_client import Credentials, connect

SIGKILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows imports this file, too
needs_signals = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")

OWNER = """
import sys
from model_fixtures.hosts.embedded_server import EmbeddedServer
with EmbeddedServer() as server:
    print(server.pid, server.address, flush=True)
    sys.stdin.read()
"""

FORKING = """
import os
import signal
import sys
from model_fixtures.hosts.embedded_server import EmbeddedServer
with EmbeddedServer() as server:
    child = os.fork()
    if child == 0:
        signal.pause()
    print(server.pid, server.address, child, flush=True)
    sys.stdin.read()
"""


def wait_until(done: Callable[[], bool]) -> None:
    """Check a condition until it is true; fail after ten seconds."""
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_until_gone(pid: int) -> None:
    """Wait for the end of a process that is not a child of this one."""
    wait_until(lambda: start_mark(pid) is None)


def test_it_serves_while_the_context_is_open() -> None:
    """While the context is open, the server answers on loopback; after that it is gone."""
    with EmbeddedServer() as server:
        address = server.address
        assert address.startswith("127.0.0.1:")
        assert is_own_server(address)
        assert server.wait_ready() == (address,)
        pid = server.pid
        assert pid is not None
    assert start_mark(pid) is None
    assert greeting_problem(address) == "connection refused"


def test_the_token_of_another_server_is_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token in the environment, which is for a server of the user's own, does not apply."""
    monkeypatch.setenv("LMSTUDIO_SERVER_API_TOKEN", "sk-lm-abcdefgh:0123456789abcdefghij")

    async def list_loaded(address: str) -> object:
        async with connect(address, "llm", Credentials.guest()) as llm:
            return await llm.rpc("listLoaded")

    with EmbeddedServer() as server:
        assert anyio.run(list_loaded, server.address) == []


def test_several_run_side_by_side() -> None:
    """Several servers run at the same time, each on a free port."""
    with EmbeddedServer() as one, EmbeddedServer() as other:
        assert one.address != other.address
        assert is_own_server(one.address)
        assert is_own_server(other.address)


def test_start_comes_back_at_once_and_counts_once() -> None:
    """`start` does not wait for the server; calling it again starts no second one."""
    server = EmbeddedServer()
    assert server.pid is None
    try:
        server.start()
        pid = server.pid
        server.start()
        assert server.pid == pid
        assert is_own_server(server.address)
    finally:
        server.stop()
    server.stop()


def test_it_is_started_with_options() -> None:
    """Options are passed to the server, here a value that only the server itself refuses."""
    with pytest.raises(EmbeddedServerError) as caught, EmbeddedServer(["--threads", "none"]):
        pass
    message = str(caught.value)
    assert message.startswith("the embedded server did not start (exit status 2): ")
    assert "'none' is not a valid integer" in message
    assert "\n" not in message
    assert "Usage:" in caught.value.log


def test_its_log_can_be_kept(tmp_path: Path) -> None:
    """With a log file, the server's stderr is written there and kept."""
    log = tmp_path / "server.log"
    with pytest.raises(EmbeddedServerError), EmbeddedServer(["--threads", "none"], log=log):
        pass
    assert "Usage:" in log.read_text()


def test_a_server_that_takes_too_long() -> None:
    """A server that is not ready in time is ended, and an error is raised."""
    server = EmbeddedServer(ready_within=0)
    with pytest.raises(EmbeddedServerError, match=r"^the embedded server is not ready after 0 s"):
        server.__enter__()
    pid = server.pid
    assert pid is not None
    assert start_mark(pid) is None


@needs_signals
def test_stopping_frees_whoever_waits() -> None:
    """When the server is stopped, those who wait for it get an error."""
    server = EmbeddedServer()
    server.start()
    os.kill(server.pid or 0, signal.SIGSTOP)
    threading.Timer(0.1, server.stop).start()
    with pytest.raises(EmbeddedServerError, match="has been stopped"):
        server.wait_ready()
    os.kill(server.pid or 0, signal.SIGCONT)
    with pytest.raises(EmbeddedServerError, match="has been stopped"):
        server.start()


@needs_signals
@pytest.mark.parametrize("kill", [SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_it_ends_with_its_owner(kill: signal.Signals) -> None:
    """The server ends when its owner ends, however that happens."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        pid, address = owner.stdout.readline().split()
        assert is_own_server(address)
        owner.send_signal(kill)
    wait_until_gone(int(pid))


@needs_signals
def test_ctrl_c_is_left_to_the_owner() -> None:
    """The server has a process group of its own, so Ctrl-C in the terminal does not reach it."""
    with EmbeddedServer() as server:
        assert os.getpgid(server.pid or 0) != os.getpgid(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forks_of_its_owner_do_not_keep_it() -> None:
    """The server ends with its owner even if a forked child of the owner lives on."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        pid, address, child = owner.stdout.readline().split()
        try:
            assert is_own_server(address)
            owner.kill()
            wait_until_gone(int(pid))
        finally:
            os.kill(int(child), signal.SIGKILL)


@needs_signals
def test_a_server_that_has_crashed() -> None:
    """A server that ended by itself has an exit status, and asking for its address fails."""
    with EmbeddedServer() as server:
        os.kill(server.pid or 0, signal.SIGKILL)
        wait_until(lambda: server.exit_status is not None)
        assert server.exit_status == -signal.SIGKILL
        with pytest.raises(EmbeddedServerError, match=r"^the embedded server has ended \(exit"):
            server.wait_ready()
