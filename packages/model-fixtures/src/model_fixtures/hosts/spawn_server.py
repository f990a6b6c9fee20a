"""Starting the embedded server as a process of its own, and reading what it writes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any

READY = "ready "
READY_WITHIN = 60.0  # seconds, unless a caller says otherwise
# The token is passed in the environment: other users can list the arguments of a process.
SERVER_TOKEN_VARIABLE = "LMSTUDIO_SERVER_API_TOKEN"  # noqa: S105 (the name of a variable)
TAIL_LINES = 20


def serve_command(arguments: Sequence[str]) -> list[str]:
    """Return the command line that runs the server with this interpreter."""
    return [sys.executable, "-m", "model_fixtures", "serve", *arguments]


def spawn(
    arguments: Sequence[str],
    *,
    stdin: int,
    stdout: int | IO[Any],
    stderr: int | IO[Any],
    environ: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start the server in a process group of its own, so that Ctrl-C does not reach it.

    The caller ends it, once no work needs it any more.
    """
    variables = dict(os.environ if environ is None else environ)
    # Keep the server from importing modules of the current folder (Python 3.11+).
    variables.setdefault("PYTHONSAFEPATH", "1")
    return subprocess.Popen(
        serve_command(arguments),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=variables,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # for Windows
    )


def parse_ready(line: str) -> tuple[str, ...]:
    """Return the addresses in a ready line (`ready 127.0.0.1:1234 …`), none for other lines."""
    return tuple(line.split()[1:]) if line.startswith(READY) else ()


def tail(text: str) -> str:
    """Return the last lines of a log."""
    return "\n".join(text.splitlines()[-TAIL_LINES:])


def last_words(text: str) -> str:
    """Return the last line of a log that is not blank, for a one-line message."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it wrote nothing"
