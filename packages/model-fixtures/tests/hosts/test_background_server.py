"""The embedded server in the background."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_fixtures.hosts import EmbeddedServerError, HostError, background_server, is_own_server
from model_fixtures.hosts.process_identity import start_mark

ARGUMENTS = ("--port", "0", "--no-default-ports")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Provide an empty state folder; its server is stopped at the end."""
    yield tmp_path / "state"
    background_server.stop(tmp_path / "state")


def test_start_and_stop(folder: Path) -> None:
    """A started server answers until it is stopped; its state and log are in the folder."""
    assert background_server.running(folder) is None
    server, started = background_server.start(ARGUMENTS, folder=folder)
    assert started
    assert background_server.running(folder) == server
    assert is_own_server(server.addresses[0])
    assert Path(server.log) == folder / "server.log"
    assert background_server.stop(folder) == server
    assert start_mark(server.pid) is None
    assert background_server.running(folder) is None
    assert background_server.stop(folder) is None


def test_a_running_server_is_kept(folder: Path) -> None:
    """Starting again returns the server that is running."""
    server, _ = background_server.start(ARGUMENTS, folder=folder)
    assert background_server.start(ARGUMENTS, folder=folder) == (server, False)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_a_crashed_server_is_replaced(folder: Path) -> None:
    """After a crash, no server counts as running, and `start` starts a new one."""
    server, _ = background_server.start(ARGUMENTS, folder=folder)
    os.kill(server.pid, signal.SIGKILL)
    os.waitpid(server.pid, 0)
    assert background_server.running(folder) is None
    other, started = background_server.start(ARGUMENTS, folder=folder)
    assert started
    assert other.pid != server.pid


def test_a_reused_pid_is_left_alone(folder: Path) -> None:
    """If the state names the pid of another process, that process is not ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        folder.mkdir()
        state = {"pid": stranger.pid, "mark": "old", "log": "", "addresses": ["127.0.0.1:1"]}
        (folder / "server.json").write_text(json.dumps(state))
        assert background_server.running(folder) is None
        assert background_server.stop(folder) is None
        assert stranger.stdin is not None
        stranger.stdin.write(b"\n")
        stranger.stdin.close()
        assert stranger.wait() == 0
    assert not (folder / "server.json").exists()


@pytest.mark.parametrize("name", ["server.lock", "server.log", "server.new"])
def test_a_folder_that_cannot_be_used(folder: Path, name: str) -> None:
    """A state that cannot be written is an error of one line, and no server is left."""
    (folder / name).mkdir(parents=True)
    with pytest.raises(HostError, match=r"^cannot use .* \(Is a directory\): make it writable"):
        background_server.start(ARGUMENTS, folder=folder)
    (folder / name).rmdir()
    assert background_server.running(folder) is None


@pytest.mark.parametrize("state", [b"", b"{}", b"\xff", b'{"pid":"x"}'])
def test_a_damaged_state_is_none(folder: Path, state: bytes) -> None:
    """A damaged state file counts as no server."""
    folder.mkdir()
    (folder / "server.json").write_bytes(state)
    assert background_server.running(folder) is None
    assert background_server.stop(folder) is None


def test_a_server_that_does_not_start(folder: Path) -> None:
    """A server that ends at once is an error with the last line of its log; no state is left."""
    with pytest.raises(EmbeddedServerError) as caught:
        background_server.start(["--port", "none"], folder=folder)
    message = str(caught.value)
    assert message.startswith("the server did not start (exit status 2): ")
    assert "'none' is not a valid integer" in message
    assert "\n" not in message
    assert not (folder / "server.json").exists()


def test_a_server_that_takes_too_long(folder: Path) -> None:
    """A server that is not ready in time is ended, and no state is left."""
    with pytest.raises(EmbeddedServerError, match="is not ready after 0 s"):
        background_server.start(ARGUMENTS, folder=folder, ready_within=0)
    assert not (folder / "server.json").exists()


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    """A state folder that cannot be made is an error of one line that says what to do."""
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match=r"Not a directory.*set XDG_STATE_HOME"):
        background_server.start(ARGUMENTS, folder=tmp_path / "file" / "state")


def test_it_outlives_its_starter(folder: Path) -> None:
    """The server keeps running after the command that started it, and later commands find it."""
    script = (
        "import sys; from pathlib import Path; from model_fixtures.hosts import background_server;"
        "background_server.start(sys.argv[2:], folder=Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", script, folder, *ARGUMENTS], check=True)
    server = background_server.running(folder)
    assert server is not None
    assert is_own_server(server.addresses[0])
    assert background_server.stop(folder) == server
