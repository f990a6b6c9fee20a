"""The command serve, as a user runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from model_fixtures.hosts import greeting_problem
from waf_tests.client import Client
from waf_tests.commands.shell_quoting import command_line, command_line_in
from waf_tests.edge.reserved_port import ReservedPort
from waf_tests.secret import Secret
from waf_tests.testing.recording_origin import RecordingOrigin
from waf_tests.testing.secret_scan import leaks

KEY = Secret("key-of-the-edge")

pytestmark = pytest.mark.usefixtures("planner")


@contextmanager
def _serve(
    arguments: Sequence[str], folder: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Run serve; it ends with the test, also with one that fails."""
    with subprocess.Popen(
        [sys.executable, "-m", "waf_tests", "serve", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _words(process: subprocess.Popen[str]) -> dict[str, str]:
    """Return what serve prints, up to its last line."""
    assert process.stdout is not None
    words: dict[str, str] = {}
    for line in process.stdout:
        if line.startswith("Ctrl-C"):
            return words
        name, _, value = line.partition("  ")
        words[name] = value.strip()
    raise AssertionError(f"serve ended: {process.stderr.read() if process.stderr else ''}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve(
    number: signal.Signals,
    origin: RecordingOrigin,
    tmp_path: Path,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """serve prints URL, CA file and a key of its own; with them a client gets in, until Ctrl-C."""
    with _serve(["--host", origin.address], tmp_path, environ) as process:
        words = _words(process)
        ca_file = Path(words["ca file"])
        monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
        key, _, whose = words["key"].partition(" ")
        assert whose == "(made up for this edge)"
        with Client(words["url"], x_api_key=key) as client:
            assert list(client.list_downloaded_models()) == []
        process.send_signal(number)
        assert process.wait() == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert not ca_file.exists()


def test_serve_given_key(
    origin: RecordingOrigin,
    tmp_path: Path,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """serve uses the key of the environment and does not print it."""
    environ["LMSTUDIO_X_API_KEY"] = KEY.reveal()
    with _serve(["--host", origin.address], tmp_path, environ) as process:
        words = _words(process)
        assert "key" not in words
        assert leaks(repr(words).encode(), [KEY]) == []
        monkeypatch.setenv("SSL_CERT_FILE", words["ca file"])
        client = Client(words["url"], x_api_key=KEY.reveal())
        with client:
            assert list(client.list_downloaded_models()) == []
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0


@pytest.mark.skipif(os.name == "nt", reason="the line is for POSIX shells")
@pytest.mark.parametrize("given", [False, True])
def test_serve_line_to_try(
    given: bool, origin: RecordingOrigin, tmp_path: Path, environ: dict[str, str]
) -> None:
    """The "try" line works in a fresh shell somewhere else; it asks for a key that was given."""
    arguments = ["--host", origin.address]
    if given:
        environ["LMSTUDIO_X_API_KEY"] = KEY.reveal()
    with _serve(arguments, tmp_path, environ) as process:
        line = _words(process)["try"]
        assert leaks(line.encode(), [KEY]) == []
        shell = subprocess.run(
            ["sh", "-c", line],
            cwd="/",
            env={"PATH": os.defpath, "HOME": str(tmp_path)},
            input=f"{KEY.reveal()}\n" if given else "",
            capture_output=True,
            text=True,
        )
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    assert shell.returncode == 0, shell.stderr
    assert "connected    https://localhost:" in shell.stdout


@pytest.mark.skipif(os.name == "nt", reason="the line is for POSIX shells")
def test_serve_line_to_try_with_an_env_file(
    origin: RecordingOrigin, tmp_path: Path, environ: dict[str, str]
) -> None:
    """Where the key is from .env, the "try" line reads it there and does not ask for it."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / ".env").write_text(f"LMSTUDIO_X_API_KEY={KEY.reveal()}\n")
    with _serve(["--host", origin.address], folder, environ) as process:
        line = _words(process)["try"]
        assert leaks(line.encode(), [KEY]) == []
        shell = subprocess.run(
            ["sh", "-c", f"{line}; pwd"],
            cwd="/",
            env={"PATH": os.defpath, "HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    assert shell.stderr == ""
    assert "connected    https://localhost:" in shell.stdout
    assert shell.stdout.splitlines()[-1] == "/"


STARTER = """
import os, subprocess, sys
subprocess.Popen([sys.executable, "-m", "waf_tests", "serve", "--end-with", str(os.getpid()),
                  *sys.argv[1:]])
sys.stdin.read()
"""


@pytest.mark.parametrize("when", ["serving", "starting"])
def test_serve_ends_with_the_process_that_is_named(
    when: str, tmp_path: Path, environ: dict[str, str]
) -> None:
    """With --end-with, serve ends after that process, and all that it has started ends with it."""
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, "--host", "embedded"],
        cwd=tmp_path,
        env={**environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdin is not None
        assert starter.stdout is not None
        assert starter.stderr is not None
        if when == "serving":
            origin = _words(starter)["origin"].split()[0]
            starter.kill()
        else:
            origin = None
            starter.stdin.close()
        starter.wait()
        # serve holds the other ends: this returns when it has ended.
        starter.stdout.read()
        assert starter.stderr.read() == ""
    if origin is not None:
        assert greeting_problem(origin) == "connection refused"
    assert list(tmp_path.glob("waf-*")) == []


def test_serve_port(
    origin: RecordingOrigin,
    tmp_path: Path,
    environ: dict[str, str],
) -> None:
    """--port chooses the port; a second serve on it ends with one line."""
    with ReservedPort() as free:
        port = free.number
    arguments = ["--host", origin.address, "--port", str(port)]
    with _serve(arguments, tmp_path, environ) as process:
        assert _words(process)["url"] == f"https://localhost:{port}"
        with _serve(arguments, tmp_path, environ) as second:
            output, errors = second.communicate()
        assert second.returncode == 1
        assert "url" not in output
        (line,) = errors.splitlines()
        assert line.startswith(f"serve: port {port}: ")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0


def test_command_lines_quote() -> None:
    """Whatever is in a key, a shell takes it literally; nothing of the line runs by itself."""
    nasty = "a'b\"c $(touch x)`y`;|&\\"
    posix = command_line(["printenv", "K"], variable="K", value=nasty, windows=False)
    if os.name != "nt":
        shown = subprocess.run(["sh", "-c", posix], capture_output=True, text=True, check=True)
        assert shown.stdout == f"{nasty}\n"
    assert command_line(["a b", "c'd"], variable="K", value="e'f", windows=True) == (
        "$env:K = 'e''f'; & 'a b' 'c''d'"
    )
    assert command_line(["a"], variable="K", value=None, windows=True) == (
        "$env:K = Read-Host K; & 'a'"
    )
    assert command_line_in(Path("c'd"), ["a b"], windows=True) == (
        "Push-Location -LiteralPath 'c''d'; & 'a b'; Pop-Location"
    )
    assert command_line_in(Path("c'd"), ["a b"], windows=False) == ("""(cd 'c'"'"'d' && 'a b')""")


def test_serve_nobody_there(tmp_path: Path, environ: dict[str, str]) -> None:
    """serve before a host that does not answer ends with one line."""
    with RecordingOrigin() as gone:
        address = gone.address
    with _serve(["--host", address], tmp_path, environ) as process:
        output, errors = process.communicate()
    assert process.returncode == 1
    assert output == ""
    assert len(errors.splitlines()) == 1
    assert errors.startswith("serve: ")
