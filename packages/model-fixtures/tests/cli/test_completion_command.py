"""Completion of the command line by shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Run

BIN = Path(sys.executable).parent
IN_BASH = """
source "$HOME/.bashrc"
COMP_WORDS=(model-fixtures "$@")
COMP_CWORD=$#
_model_fixtures_completion model-fixtures
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide an empty home folder."""
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR", "SHELL"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    return tmp_path


@pytest.mark.skipif(shutil.which("bash") is None or os.name == "nt", reason="needs bash")
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["st"], {"start", "status", "stop"}),
        (["start", "--no"], {"--no-default-ports"}),
        (["completion", ""], {"bash", "zsh", "fish"}),
    ],
)
def test_bash_completes(home: Path, run: Run, words: list[str], completed: set[str]) -> None:
    """Once installed, a new bash completes commands, options and values."""
    assert run("completion", "bash", "--install")[0] == 0
    environ = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(home)}
    command = ["bash", "--norc", "-c", IN_BASH, "bash", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    assert (set(done.stdout.split()), done.stderr) == (completed, "")


@pytest.mark.parametrize(
    ("shell", "startup", "script"),
    [
        ("bash", ".bashrc", ".local/share/bash-completion/completions/model-fixtures"),
        ("zsh", ".zshrc", ".local/share/zsh/site-functions/_model-fixtures"),
        ("fish", None, ".config/fish/completions/model-fixtures.fish"),
    ],
)
def test_installing(
    home: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    shell: str,
    startup: str | None,
    script: str,
) -> None:
    """The user's own shell is the default, its files keep what they have, and twice is as once."""
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    kept = "alias ll='ls -l'"  # without a line break at its end
    (home / (startup or "other")).write_text(kept, encoding="utf-8")
    code, printed, err = run("completion")
    assert (code, err) == (0, [])
    for times in (1, 2):
        code, out, err = run("completion", "--install")
        assert (code, err) == (0, [])
        assert out[0] == f"installed {home / script}"
        assert len(out) == (3 if startup and times == 1 else 2)
    assert (home / script).read_text(encoding="utf-8").splitlines() == printed
    if startup:
        lines = (home / startup).read_text(encoding="utf-8").splitlines()
        assert (lines[0], len(lines)) == (kept, 2)
        assert lines[1].endswith(f'source "{home / script}"')
    assert not list(home.rglob("*.new"))


def test_an_unknown_shell(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a shell that is known, the command says which there are."""
    for shell in ("", "/bin/tcsh"):
        monkeypatch.setenv("SHELL", shell)
        code, out, err = run("completion", "--install")
        assert (code, out) == (2, [])
        assert err[-1] == "Error: your shell is not known: name one of bash, zsh, fish"


@pytest.mark.skipif(os.name == "nt", reason="a folder's rights are others there")
def test_a_startup_file_that_is_a_folder(home: Path, run: Run) -> None:
    """A file that can't be written is an error of one line with its name."""
    (home / ".bashrc").mkdir()
    code, _, err = run("completion", "bash", "--install")
    assert (code, err) == (1, [f"error: {home / '.bashrc'}: Is a directory"])
