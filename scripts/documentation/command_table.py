"""How the commands of the documentation are tried: documented_commands.toml has the entries."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite_command import ROOT

from .page_blocks import Command

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE = Path(__file__).with_name("documented_commands.toml")
WAYS = ("run", "help", "hatch", "never")


@dataclass(frozen=True)
class Entry:
    """An entry of the table; the table says what its fields mean."""

    begins: str
    how: str
    why: str | None = None
    page: str | None = None
    status: int = 0
    add: tuple[str, ...] = ()

    def fits(self, command: Command) -> bool:
        """Return whether the entry is about a command."""
        here = command.block.page.relative_to(ROOT).as_posix()
        beginning = shlex.split(self.begins)
        return self.page in (None, here) and program(command.words)[: len(beginning)] == beginning


def program(words: list[str]) -> list[str]:
    """Return a command's words without the variables that are set for it: `NAME=value pytest`."""
    first = next((index for index, word in enumerate(words) if "=" not in word), len(words))
    return words[first:] or words


def entries() -> list[Entry]:
    """Return the table.

    Raises:
        ValueError: an entry has no way that is known, or does not say why it does not run.
    """
    rows = _table("commands")
    found = [Entry(**{**row, "add": tuple(row.get("add", ()))}) for row in rows]
    for entry in found:
        if entry.how not in WAYS:
            raise ValueError(f"{entry.begins!r}: how is one of {', '.join(WAYS)}")
        if entry.how != "run" and not entry.why:
            raise ValueError(f"{entry.begins!r}: say why it does not run")
    return found


def compiled_only() -> dict[str, str]:
    """Return the pages whose Python blocks do not run, as paths in the repository, and why."""
    return {row["page"]: row["why"] for row in _table("programs")}


def _table(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads(TABLE.read_text(encoding="utf-8"))[name]
    return rows


def decide(command: Command, table: list[Entry]) -> Entry:
    """Return the entry that decides about a command.

    Raises:
        ValueError: there is none.
    """
    for entry in table:
        if entry.fits(command):
            return entry
    raise ValueError(
        f"{command.block.place}: nobody has decided how `{command.text}` is tried: add it to"
        f" {TABLE.relative_to(ROOT).as_posix()}"
    )
