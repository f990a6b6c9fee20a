"""Commands as one pastes them into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


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


def _powershell(text: str) -> str:
    """Return the text as a literal in PowerShell."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
