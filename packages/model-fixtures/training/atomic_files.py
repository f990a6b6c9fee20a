"""Files that appear complete or not at all, and the line that identifies a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Provide a path to write to; that file takes the place of ``path`` when the block ends.

    If the block raises, ``path`` stays as it was. The folder is made if it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    yield part
    part.replace(path)


def write_json(path: Path, data: Any) -> None:
    """Write ``data`` to ``path`` as indented JSON in UTF-8."""
    with replacing(path) as part:
        part.write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 digest of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def identity_line(path: Path) -> str:
    """Return one line with the path of a file, its size in bytes and its SHA-256 digest."""
    return f"{path} {path.stat().st_size} bytes sha256 {sha256_of(path)}"
