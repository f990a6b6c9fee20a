"""Searches written data for keys and tokens, in all forms that these may take there."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from waf_tests.secret import Secret

_PROCESSES = Path("/proc")


def forms(secret: Secret) -> dict[str, bytes]:
    """Return the texts that would give the secret away, by the name of their form."""
    plain = secret.reveal().encode()
    found = {
        "plain": plain,
        "hexadecimal": plain.hex().encode(),
        "url": quote(secret.reveal(), safe="").encode(),
    }
    for offset in range(3):
        # In a longer Base64 text the secret has one of three forms, which depends on its position.
        # The characters at its ends depend on its neighbours and are left out.
        encoded = base64.b64encode(bytes(offset) + plain)
        found[f"base64 at {offset}"] = encoded[4 if offset else 0 : -4]
    return found


def halves(token: Secret) -> tuple[Secret, Secret]:
    """Return the whole API token and its second half, which is its password."""
    return token, Secret(token.reveal().rpartition(":")[2])


def leaks(data: bytes, secrets: Iterable[Secret]) -> list[str]:
    """Return the forms of any of the secrets that are in the data; empty if none is."""
    return [
        form
        for secret in secrets
        for form, text in forms(secret).items()
        if text and text.lower() in data.lower()
    ]


def leaking_files(folder: Path, secrets: Iterable[Secret]) -> list[str]:
    """Return the files below the folder that give a secret away, by content or by name."""
    wanted = tuple(secrets)
    return [
        f"{path.relative_to(folder)}: {', '.join(found)}"
        for path in _files(folder)
        if (found := leaks(_read(path) + str(path).encode(), wanted))
    ]


def process_arguments() -> bytes:
    """Return the command lines of all processes on this machine."""
    if _PROCESSES.is_dir():
        return b"\n".join(_read(entry / "cmdline") for entry in _PROCESSES.glob("[0-9]*"))
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "args"], capture_output=True, check=True)
    return listed.stdout


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""  # a temporary file, or a process, that is gone by now
