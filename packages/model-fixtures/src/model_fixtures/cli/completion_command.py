"""The command `completion`: click's own completion scripts, and putting them where shells look."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import click
from click.shell_completion import get_completion_class

from model_fixtures.user_paths import expanded

PROGRAM = "model-fixtures"
SHELLS = ("bash", "zsh", "fish")
# Without compinit, zsh has no completion; click's script needs it.
_ZSH = 'if ! (( $+functions[compdef] )); then autoload -Uz compinit; compinit; fi; source "{}"'


class Place(NamedTuple):
    """Where a shell's script goes, and the line with which the shell's own file reads it."""

    script: Path
    startup: Path | None = None  # None: the shell finds the script by itself
    line: str = ""


@click.command(short_help="Print or install the completion of a shell.")
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.option("--install", is_flag=True, help="Install it for this user; twice does no harm.")
def completion(shell: str | None, install: bool) -> int:
    """Print the script with which a SHELL completes this command, or install it.

    SHELL is the user's own (the variable SHELL) if it is left out. bash and zsh read the script by
    a line that --install adds to .bashrc or .zshrc; fish finds it by itself.
    """
    name = shell or Path(os.environ.get("SHELL", "")).name
    kind = get_completion_class(name) if name in SHELLS else None
    if kind is None:
        raise click.UsageError(f"your shell is not known: name one of {', '.join(SHELLS)}")
    source = kind(program_command(), {}, PROGRAM, _complete_variable()).source()
    if not install:
        click.echo(source)
        return 0
    place = place_of(name)
    _write(place.script, source)
    click.echo(f"installed {place.script}")
    if place.startup is not None and not _has_line(place.startup, place.line):
        _add_line(place.startup, place.line)
        click.echo(f"added a line to {place.startup} that reads it")
    click.echo(f"start a new {name} to use it")
    return 0


def program_command() -> click.Command:
    """Return the command whose completion is meant: the one that is running."""
    return click.get_current_context().find_root().command


def place_of(shell: str) -> Place:
    """Return where the script of a shell goes."""
    home = expanded("~")
    data = _folder("XDG_DATA_HOME", home / ".local" / "share")
    if shell == "fish":
        folder = _folder("XDG_CONFIG_HOME", home / ".config") / "fish" / "completions"
        return Place(folder / f"{PROGRAM}.fish")
    if shell == "zsh":
        script = data / "zsh" / "site-functions" / f"_{PROGRAM}"
        startup = _folder("ZDOTDIR", home) / ".zshrc"
        return Place(script, startup, _ZSH.format(script))
    script = data / "bash-completion" / "completions" / PROGRAM
    return Place(script, home / ".bashrc", f'source "{script}"')


def _complete_variable() -> str:
    return f"_{PROGRAM}_COMPLETE".replace("-", "_").upper()


def _folder(variable: str, default: Path) -> Path:
    named = os.environ.get(variable)
    return Path(named) if named else default


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    staged = file.with_name(f".{file.name}.new")  # a shell never reads half of it
    try:
        staged.write_text(f"{text}\n", encoding="utf-8")
        staged.replace(file)
    finally:
        staged.unlink(missing_ok=True)


def _has_line(file: Path, line: str) -> bool:
    try:
        return line in file.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return False


def _add_line(file: Path, line: str) -> None:
    """Append a line; the file may be a link, which stays one."""
    text = file.read_bytes() if file.exists() else b""
    between = "" if not text or text.endswith(b"\n") else "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as writer:
        writer.write(f"{between}{line}\n")
