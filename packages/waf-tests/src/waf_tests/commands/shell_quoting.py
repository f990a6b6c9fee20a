"""Commands as one pastes them into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path


def command_line(command: Sequence[str], *, variable: str, value: str | None, windows: bool) -> str:
    """Return the command for a fresh shell that has nothing but this line.

    The environment variable has `value`; None makes the line ask for it.
    For POSIX shells, with `windows` for PowerShell.
    """
    if windows:
        given = f"Read-Host {variable}" if value is None else _powershell(value)
        return f"$env:{variable} = {given}; & {' '.join(map(_powershell, command))}"
    if value is not None:
        return f"{variable}={shlex.quote(value)} {shlex.join(command)}"
    # Not shown while it is typed.
    read = f"stty -echo; IFS= read -r {variable}; stty echo"
    ask = f"printf '{variable}: '; {read}; export {variable}"
    return f"{ask}; {shlex.join(command)}"


def command_line_in(folder: Path, command: Sequence[str], *, windows: bool) -> str:
    """Return the command for a fresh shell, to be run in this folder; the shell stays where it is.

    For POSIX shells, with `windows` for PowerShell.
    """
    if windows:
        there = f"Push-Location -LiteralPath {_powershell(str(folder))}"
        return f"{there}; & {' '.join(map(_powershell, command))}; Pop-Location"
    return f"(cd {shlex.quote(str(folder))} && {shlex.join(command)})"


def _powershell(text: str) -> str:
    """Return the text as a literal in PowerShell."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
