"""Commands for the embedded server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import httpx
import pytest
from model_fixtures.cli import exit_codes
from model_fixtures.cli.server_commands import serve, start
from model_fixtures.cli.server_options import command_line, serve_options
from model_fixtures.hosts import background_server, greeting_problem, is_own_server
from model_fixtures.server.serve_options import ServeOptions
from model_fixtures.wire_client import RpcError, connect

from ..server.tiny_gguf import write_gguf  # noqa: TID252 (tests are not an importable package)
from .conftest import Run

FREE_PORT = ("--port", "0", "--no-default-ports")
HANGS = 30  # seconds
TOKEN = "sk-lm-abcd1234:abcdefghij0123456789"


def test_start_and_stop(run: Run) -> None:
    """`start` says where the server listens and where its log is; `stop` ends it."""
    code, out, _ = run("start", *FREE_PORT)
    server = background_server.running()
    assert server is not None
    where = f"{server.addresses[0]} (pid {server.pid}, log: {server.log})"
    assert (code, out) == (0, [f"started: {where}"])
    assert is_own_server(server.addresses[0])
    assert run("start", *FREE_PORT) == (0, [f"already running: {where}"], [])
    assert run("stop") == (0, [f"stopped {server.pid}"], [])
    assert greeting_problem(server.addresses[0]) == "connection refused"
    assert run("stop") == (0, ["no server runs in the background"], [])


def test_start_for_programs(run: Run) -> None:
    """`start --json` has the same as one JSON object."""
    code, out, _ = run("start", *FREE_PORT, "--threads", "2", "--json")
    server = background_server.running()
    assert (code, server) == (0, background_server.running())
    assert server is not None
    assert json.loads("\n".join(out)) == {
        "started": True,
        "addresses": list(server.addresses),
        "pid": server.pid,
        "log": server.log,
        "options": ["--port=0", "--threads=2", "--no-default-ports"],
        "differs": [],
    }


def test_a_running_server_with_other_options(run: Run) -> None:
    """`start` leaves it alone, says in one line how it differs, and has an exit code for that."""
    run("start", *FREE_PORT, "--threads", "2")
    server = background_server.running()
    assert run("start", "--no-default-ports", "--threads", "2", "--port", "0")[0] == 0
    code, out, err = run("start", *FREE_PORT, "--cors", "--api-token", TOKEN)
    assert (code, len(out)) == (exit_codes.OTHER_OPTIONS, 1)
    assert out[0].startswith("already running: ")
    (line,) = err
    assert line == (
        "error: it was started with --port=0 --threads=2 --no-default-ports, not with --port=0"
        " --no-default-ports --cors; it asks for no API token: run `model-fixtures stop` first"
    )
    code, out, _ = run("start", *FREE_PORT, "--threads", "2", "--cors", "--json")
    differs = json.loads("\n".join(out))["differs"]
    assert (code, len(differs)) == (exit_codes.OTHER_OPTIONS, 1)
    assert background_server.running() == server


def test_a_running_server_with_another_token(run: Run) -> None:
    """`start` notices another token, or one that was not asked for, and shows none."""
    run("start", *FREE_PORT, "--api-token", TOKEN)
    assert run("start", *FREE_PORT, "--api-token", TOKEN)[0] == 0
    for more, what in (
        (["--api-token", "sk-lm-abcd1234:0123456789abcdefghij"], "another"),
        ([], "an"),
    ):
        code, _, err = run("start", *FREE_PORT, *more)
        assert code == exit_codes.OTHER_OPTIONS
        assert err == [f"error: it asks for {what} API token: run `model-fixtures stop` first"]


def test_start_takes_the_options_of_serve() -> None:
    """Every option of `serve` is one of `start`, but for that of stdin, which `start` closes."""
    names = {command.name: {option.name for option in command.params} for command in (serve, start)}
    assert names["serve"] - names["start"] == {"lifeline"}
    assert names["start"] - names["serve"] == {"as_json"}


def test_all_options_reach_the_server(tmp_path: Path) -> None:
    """What `start` passes on is read by `serve` as the same options."""
    given = ServeOptions(
        ports=(0, 4711),
        default_ports=False,
        threads=3,
        authentication_timeout=2.5,
        worker_silence=4.0,
        answer_unknown=True,
        scenarios=True,
        allow_hosts=("lm.example.com",),
        cors=True,
        allow_shutdown=True,
        home=str(tmp_path),
        end_with=os.getpid(),
    )
    for options in (given, ServeOptions()):
        with serve.make_context("serve", list(command_line(options))) as context:
            assert serve_options(**context.params) == options


def test_home_and_scenarios(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server in the background has the home that `start` names, also a relative one."""
    write_gguf(tmp_path / "home/models/me/Tiny-GGUF/tiny.gguf")
    monkeypatch.chdir(tmp_path)
    assert run("start", *FREE_PORT, "--home", "home", "--scenarios")[0] == 0
    server = background_server.running()
    assert server is not None
    url = f"http://{server.addresses[0]}/v1/models"
    listed = httpx.get(url, trust_env=False).json()["data"]
    assert "tiny" in [each["id"] for each in listed]


def test_pages_that_may_use_the_server(run: Run) -> None:
    """--cors and --allow-host also apply to a server in the background."""
    code, _, _ = run("start", *FREE_PORT, "--cors", "--allow-host", "LM.example.com")
    assert code == 0
    server = background_server.running()
    assert server is not None
    for host, status in (("lm.example.com", 200), ("other.example.com", 403)):
        headers = {"Host": host, "Origin": "https://page.example.com"}
        url = f"http://{server.addresses[0]}/v1/models"
        assert httpx.get(url, headers=headers, trust_env=False).status_code == status


def test_a_client_ends_the_server(run: Run) -> None:
    """With --allow-shutdown a client may also end a server in the background."""
    run("start", *FREE_PORT, "--allow-shutdown")
    server = background_server.running()
    assert server is not None

    async def shut_down() -> None:
        async with connect(server.addresses[0], "system") as system:
            await system.rpc("requestShutdown")
            with anyio.fail_after(HANGS):
                while background_server.running() is not None:
                    await anyio.sleep(0.01)

    anyio.run(shut_down)
    assert run("stop") == (0, ["no server runs in the background"], [])


def test_errors_for_unknown_calls(run: Run) -> None:
    """--answer-unknown also applies to a server in the background."""
    run("start", *FREE_PORT, "--answer-unknown")
    server = background_server.running()
    assert server is not None
    address = server.addresses[0]

    async def fly() -> None:
        async with connect(address, "system") as system:
            await system.rpc("fly")

    with pytest.raises(RpcError, match="system has no call fly"):
        anyio.run(fly)


def test_embedded_means_the_background_server(run: Run) -> None:
    """With `embedded` as host, commands use the background server if it runs."""
    run("start", *FREE_PORT)
    server = background_server.running()
    assert server is not None
    _, out, _ = run("status", "--host", "embedded")
    reason = "--host says embedded; it runs in the background"
    assert out[0] == f"host: {server.addresses[0]} ({reason})"


def test_a_taken_port(run: Run) -> None:
    """A port that is in use leads to exit code 1 and one line that names the port."""
    run("start", *FREE_PORT)
    server = background_server.running()
    assert server is not None
    port = server.addresses[0].rpartition(":")[2]
    command = [sys.executable, "-m", "model_fixtures", "serve", "--no-default-ports"]
    done = subprocess.run([*command, "--port", port], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"port {port} is in use" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_token_is_no_argument(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token is passed in the environment, and only clients with it are accepted."""
    code, _, _ = run("start", *FREE_PORT, "--api-token", TOKEN)
    assert code == 0
    server = background_server.running()
    assert server is not None
    arguments = Path(f"/proc/{server.pid}/cmdline")
    if arguments.exists():
        assert b"sk-lm" not in arguments.read_bytes()
    assert TOKEN not in Path(server.log).read_text(encoding="utf-8")
    code, _, err = run("unload", "--host", server.addresses[0])
    assert code == 1
    assert err[0].startswith(f"error: {server.addresses[0]} refuses the client: ")
    monkeypatch.setenv("LMSTUDIO_API_TOKEN", TOKEN)
    assert run("unload", "--host", server.addresses[0])[0] == 0


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("command", ["start", "serve"])
def test_an_empty_token_is_refused(run: Run, command: str) -> None:
    """An empty token, as of a variable that is not set, does not start a server without any."""
    code, out, err = run(command, *FREE_PORT, "--api-token", "")
    assert (code, out) == (exit_codes.MISUSED, [])
    assert "the API token is empty" in err[-1]
    assert background_server.running() is None


def test_ctrl_c_stops_serving() -> None:
    """`serve` prints one ready line, and Ctrl-C ends it without a traceback."""
    command = [sys.executable, "-m", "model_fixtures", "serve", *FREE_PORT]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready.startswith("ready 127.0.0.1:")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert out == ""
    assert "Traceback" not in err
    assert process.returncode in (0, 130)


STARTER = """
import os, subprocess, sys
command = [sys.executable, "-m", "model_fixtures", *sys.argv[1:]]
subprocess.Popen([each.replace("PID", str(os.getpid())) for each in command], stderr=sys.stderr)
sys.stdin.read()
"""


@pytest.mark.parametrize("when", ["ready", "starting"])
def test_the_server_ends_with_the_process_that_is_named(when: str) -> None:
    """With --end-with the server ends in order after that process, also after one that is killed.

    So it does when that process has ended before the server was ready.
    """
    command = [sys.executable, "-c", STARTER, "serve", *FREE_PORT, "--end-with", "PID"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        assert starter.stderr is not None
        if when == "ready":
            assert starter.stdout.readline().startswith("ready 127.0.0.1:")
            starter.kill()
        else:
            assert starter.stdin is not None
            starter.stdin.close()
        starter.wait()
        # The server holds the other ends of both pipes: this returns when it has ended.
        starter.stdout.read()
        assert starter.stderr.read() == ""


def test_a_server_without_end_with_outlives_its_starter() -> None:
    """A server that nobody has told to end with another process goes on without its starter."""
    command = [sys.executable, "-c", STARTER, "serve", *FREE_PORT, "--lifeline"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        address = starter.stdout.readline().split()[1]
        starter.kill()
        starter.wait()
        assert greeting_problem(address) is None
        assert starter.stdin is not None
        starter.stdin.close()
        starter.stdout.read()
        assert greeting_problem(address) == "connection refused"
