"""check ends in time, whatever holds it up: each host here holds it up for ever."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner
from waf_tests.__main__ import main
from waf_tests.commands import overall_deadline
from waf_tests.commands.overall_deadline import DeadlineError, run_within
from waf_tests.testing.host_handshake import HEAD_END, accept_websocket, frame
from waf_tests.testing.run_in_process import Run
from waf_tests.testing.tcp_server import Serve, TcpServer

# A frame of a text without end: its first part of 65,000 bytes, of which one comes now and then.
LONG_FRAME = b"\x01\x7e\xfd\xe8"
# Far beyond --timeout: a run that reaches it hangs.
HANGS = 60.0


async def trickle(writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then, for ever: each wait for the next is short."""
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def silent_websocket(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Upgrade and never answer."""
    await accept_websocket(reader, writer)
    await asyncio.Event().wait()


async def slow_websocket(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Upgrade and answer with a message of which a byte comes now and then."""
    await accept_websocket(reader, writer)
    writer.write(LONG_FRAME)
    await trickle(writer)


async def silent_list(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept the client's identity and never answer its calls."""
    await accept_websocket(reader, writer)
    await reader.read(1)
    writer.write(frame(b'{"success":true}'))
    await asyncio.Event().wait()


async def slow_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin an answer whose head does not end."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long:")
    await trickle(writer)


async def slow_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin an answer whose body does not end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000" + HEAD_END)
    await trickle(writer)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("serve", "doing"),
    [
        (silent_websocket, "opening the SDK's websockets"),
        (slow_websocket, "opening the SDK's websockets"),
        (silent_list, "waiting for LM Studio's list of models"),
        (slow_head, "waiting for the answer of http://{}/lmstudio-greeting"),
        (slow_body, "waiting for the answer of http://{}/lmstudio-greeting"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_deadline(serve: Serve, doing: str, tmp_path: Path, environ: dict[str, str]) -> None:
    """The process ends after --timeout with one line, and says what it was waiting for."""
    with TcpServer(serve) as host:
        options = ("--host", host.address, "--timeout", "2")
        ended = subprocess.run(
            [sys.executable, "-m", "waf_tests", "check", *options],
            cwd=tmp_path,
            env={**environ, "LMSTUDIO_X_API_KEY": "k"},
            capture_output=True,
            text=True,
            check=False,
            timeout=HANGS,
        )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == (
        f"check: {host.address}: not done within 2 s, while {doing.format(host.address)}; "
        "--timeout gives it longer\n"
    )


HANGING_RESOLVER = """
import socket, sys, time
socket.getaddrinfo = lambda *args, **options: time.sleep(3600)
from waf_tests.__main__ import main
main(["check", "--host", "lm.example.com", "--timeout", "1"])
"""


@pytest.mark.slow
def test_deadline_of_a_name(tmp_path: Path, environ: dict[str, str]) -> None:
    """Looking up a name cannot be cancelled, and does not hold up the process."""
    ended = subprocess.run(
        [sys.executable, "-c", HANGING_RESOLVER],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
    )
    assert ended.returncode == 1
    assert "lm.example.com: not done within 1 s" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_default() -> None:
    """check --help says that the limit is 15 s."""
    words = " ".join(CliRunner().invoke(main, ["check", "--help"]).output.split())
    assert re.search(r"--timeout FLOAT RANGE Seconds .* \[default: 15(\.0)?;", words)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "soon"])
def test_senseless_timeout(value: str, run: Run) -> None:
    """A limit that is no number of seconds is refused."""
    result = run("check", "--host", "127.0.0.1:1", "--timeout", value)
    assert result.exit_code == 2
    assert "Invalid value for '--timeout'" in result.stderr


def test_errors_pass() -> None:
    """What the work raises is what its caller gets, a TimeoutError of its own included."""

    async def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        run_within(HANGS, fail)


def test_work_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of its time the work is cancelled, and closes what it has opened."""
    monkeypatch.setattr(overall_deadline, "_CLOSING_SECONDS", HANGS)
    closed = threading.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            closed.set()

    with pytest.raises(DeadlineError):
        run_within(0.1, work)
    assert closed.is_set()


@pytest.mark.slow
def test_work_that_will_not_end() -> None:
    """Work that cannot be cancelled is left alone soon after its time."""

    over = threading.Event()

    async def block() -> None:
        await asyncio.get_running_loop().run_in_executor(None, over.wait, HANGS)

    async def deaf() -> None:
        with anyio.CancelScope(shield=True), anyio.move_on_after(HANGS):
            while not over.is_set():
                await anyio.sleep(0.01)

    for work in (block, deaf):
        start = time.monotonic()
        with pytest.raises(DeadlineError):
            run_within(0.1, work)
        assert time.monotonic() - start < HANGS / 2
    over.set()
