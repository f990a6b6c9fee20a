"""Exit codes and errors of the command line as a whole."""

from __future__ import annotations

import subprocess
import sys

import pytest
from model_fixtures.catalog import read_catalog
from model_fixtures.cli import main, shared_options

from ..fake_host import FakeHost  # noqa: TID252 (tests are not an importable package)
from .conftest import Run

COMMANDS = ("load", "unload", "status", "download", "delete", "serve", "start", "stop")


def test_all_commands_are_there(run: Run) -> None:
    """The help lists every command."""
    code, out, _ = run("--help")
    assert code == 0
    listed = [line.split()[0] for line in out[out.index("Commands:") + 1 :]]
    assert listed == sorted(COMMANDS)


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

    monkeypatch.setattr(shared_options, "select_host", interrupt)
    assert main(["status"]) == 130


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
