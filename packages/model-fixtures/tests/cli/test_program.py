"""Exit codes and errors of the command line as a whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import pytest
from model_fixtures.catalog import read_catalog
from model_fixtures.cli import exit_codes, host_option, main
from model_fixtures.hosts import background_server

from ..fake_host import FakeHost  # noqa: TID252 (tests are not an importable package)
from .conftest import Run

COMMANDS = (
    "load",
    "unload",
    "status",
    "download",
    "delete",
    "serve",
    "start",
    "stop",
    "completion",
)
CONSOLE_SCRIPT = str(Path(sys.executable).with_name("model-fixtures"))


def test_all_commands_are_there(run: Run) -> None:
    """The help lists every command."""
    code, out, _ = run("--help")
    assert code == 0
    after = out[out.index("Commands:") + 1 :]
    listed = [line.split()[0] for line in after[: after.index("")]]
    assert listed == sorted(COMMANDS)


def test_the_help_explains_the_exit_codes(run: Run) -> None:
    """The help names every exit code with its meaning."""
    _, out, _ = run("--help")
    lines = [line.split(maxsplit=1) for line in out[out.index("  Exit codes:") + 1 :]]
    assert {int(code): meaning for code, meaning in lines} == exit_codes.MEANINGS
    assert set(exit_codes.MEANINGS) == {0, 1, 2, 3, 130}


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_on_a_narrow_terminal(run: Run, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In 60 columns no line of a help is longer, and nothing is left out."""
    helps: list[list[str]] = []
    for columns in ("60", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        helps.append(run(*command.split(), "--help")[1])
    narrow, wide = helps
    assert max(map(len, narrow)) <= 60
    assert "..." not in "".join(narrow[1:])
    assert "".join("".join(narrow).split()) == "".join("".join(wide).split())


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_helps_need_no_repository(run: Run, command: str) -> None:
    """No help names a file or a command that only this project's checkout has."""
    text = "\n".join(run(*command.split(), "--help")[1])
    assert not re.search(r"hatch|docs/|\.md|models:|\bsuite\b", text)


def test_version(run: Run) -> None:
    """The version is that of the distribution."""
    assert run("--version") == (0, [f"model-fixtures {version('lmstudio-model-fixtures')}"], [])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("status", "--host", "embedded"),
        ("status", "--host", "embedded", "--json"),
        ("completion", "bash"),
        ("serve", "--port", "0", "--no-default-ports"),
    ],
    ids=" ".join,
)
def test_a_full_disk(arguments: tuple[str, ...]) -> None:
    """Output that can't be written is an error of one line, whichever command writes it."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        command = [CONSOLE_SCRIPT, *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == exit_codes.FAILED
    assert done.stderr == "error: the output cannot be written: No space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such error")
@pytest.mark.parametrize("arguments", [("--help",), ("status", "--host", "embedded")], ids=" ".join)
def test_a_closed_pipe(arguments: tuple[str, ...]) -> None:
    """A reader that goes away early, such as `head`, is an error of one line."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [CONSOLE_SCRIPT, *arguments], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert done.returncode == exit_codes.FAILED
    assert done.stderr == "error: the output cannot be written: Broken pipe\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize(
    ("arguments", "code"), [(("frobnicate",), 2), (("status", "--host", ""), 1)]
)
def test_errors_that_cannot_be_written(arguments: tuple[str, ...], code: int) -> None:
    """Where stderr can't be written either, the exit code is still the right one."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run([CONSOLE_SCRIPT, *arguments], stdout=full, stderr=full, check=False)
    assert done.returncode == code


def test_files_that_cannot_be_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the system that no command explains is one line with the file's name."""

    def fail() -> NoReturn:
        raise PermissionError(13, "Permission denied", "/some/file")

    with monkeypatch.context() as patched:
        patched.setattr(background_server, "stop", fail)
        assert run("stop") == (1, [], ["error: /some/file: Permission denied"])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Run, command: str) -> None:
    """Every command explains itself, with -h too."""
    assert run(command, "--help")[0] == 0
    assert run(command, "-h")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("load", "--what"),
        ("load", "more"),
        ("serve", "--port", "x"),
        ("serve", "--port", "65536"),
        ("serve", "--threads", "0"),
        ("serve", "--no-default-ports"),
        ("serve", "--allow-host", "https://lm.example.com"),
        ("start", "--allow-host", "lm.example.com:1234"),
        ("start", "--no-default-ports"),
        ("completion", "tcsh"),
    ],
)
def test_misuse(run: Run, arguments: tuple[str, ...]) -> None:
    """A wrong command line leads to exit code 2; the last line on stderr says what is wrong."""
    code, out, err = run(*arguments)
    assert (code, out) == (2, [])
    assert err[-1].startswith("Error: ")


@pytest.mark.parametrize(
    ("host", "error"),
    [
        ("a:b:c", "--host: 'a:b:c' is not a host: write host, host:port, [IPv6] or [IPv6]:port"),
        ("", "--host: the host is empty: write host, host:port, [IPv6] or [IPv6]:port"),
    ],
)
@pytest.mark.parametrize("command", ["load", "unload", "status", "download"])
def test_bad_hosts(run: Run, command: str, host: str, error: str) -> None:
    """A malformed host leads to exit code 1 and one line, for every command that takes a host."""
    assert run(command, "--host", host) == (1, [], [f"error: {error}"])


def test_the_variable_is_heeded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """LMSTUDIO_API_HOST names the host when the option does not."""
    monkeypatch.setenv("LMSTUDIO_API_HOST", "a:b:c")
    _, _, err = run("status")
    assert err[0].startswith("error: LMSTUDIO_API_HOST: 'a:b:c' is not a host")


def test_errors_of_the_catalog(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong settings of the catalog lead to an error of one line."""
    monkeypatch.setenv("LMSTUDIO_TEST_CATALOG", "/nowhere/catalog.toml")
    code, out, err = run("status", "--host", "embedded")
    assert (code, out) == (1, [])
    assert len(err) == 1
    assert "/nowhere/catalog.toml" in err[0]


def test_errors_of_the_wire(run: Run, fake_host: FakeHost) -> None:
    """A host that refuses the client leads to an error of one line with its reason."""
    fake_host.refusal = "Token required"
    code, _, err = run("status", "--host", fake_host.address)
    assert code == 1
    assert err == [f"error: {fake_host.address} refuses the client: Token required"]


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C at any time leads to exit code 130."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(host_option, "select_host", interrupt)
    assert main(["status"]) == exit_codes.INTERRUPTED


def test_the_console_script() -> None:
    """`model-fixtures` is the same command line, with the same exit codes."""
    done = subprocess.run(
        [CONSOLE_SCRIPT, "load", "more"], capture_output=True, text=True, check=False
    )
    assert done.returncode == exit_codes.MISUSED
    assert done.stderr.startswith("Usage: model-fixtures load ")


def test_as_a_module() -> None:
    """`python -m model_fixtures` runs the command line and exits with its exit code."""
    command = [sys.executable, "-m", "model_fixtures", "status", "--host", ""]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: --host: the host is empty")


def test_serving_needs_no_tables() -> None:
    """Starting the server does not import modules that only other commands need."""
    code = (
        "import sys; from model_fixtures.cli import program;"
        "program.main(['serve', '--help'], standalone_mode=False);"
        "sys.exit('rich' in sys.modules or 'model_fixtures.host_models' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_suite_is_complete() -> None:
    """Four models are required, and a fifth is for tests that load it themselves."""
    catalog = read_catalog()
    assert (len(catalog.required), len(catalog.models)) == (4, 5)
