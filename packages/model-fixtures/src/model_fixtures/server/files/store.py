"""Uploaded files: each belongs to the identity that sent it, and goes when that leaves."""

from __future__ import annotations

import base64
import binascii
import itertools
import os
import re
import shutil
import tempfile
import threading
import time
from pathlib import Path, PurePath
from types import TracebackType

from msgspec import Struct

from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.identities import Client

from .kinds import FileType, file_type

MAX_BYTES = 64 * 2**20  # of one file; a frame holds at most 100 MiB of base64
MAX_TOTAL = 512 * 2**20  # of one client
PIECE = 4 * 2**18  # characters of base64 that are decoded at once; four are three bytes
PREFIX = "lmstudio-model-fixtures-files-"


class StoredFile(Struct, frozen=True):
    """An uploaded file. `identifier` is a plain name without a colon or a slash."""

    identifier: str
    name: str
    path: Path
    size: int
    kind: FileType

    def read(self) -> bytes:
        """The bytes as they were uploaded."""
        return self.path.read_bytes()


class FileStore:
    """All uploads of a server, in a temporary folder that goes with it. A context manager."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._files: dict[str, dict[str, StoredFile]] = {}
        self._numbers = itertools.count(1)
        self._adding = threading.Lock()  # uploads come in threads

    def __enter__(self) -> FileStore:
        _sweep()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Removes the folder; nothing can be added any more."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, client: Client, name: str, content_base64: str) -> StoredFile:
        """Keeps a file for a client; equal bytes get a new identifier each time.

        Raises:
            ServerError: it is no base64, or too large.
        """
        if len(content_base64) > MAX_BYTES * 4 // 3 + 4:
            raise _too_large(name, f"at most {MAX_BYTES // 2**20} MiB")
        try:
            data = _decoded(content_base64)
        except (binascii.Error, ValueError):
            raise ServerError(f"The content of {PurePath(name).name} is not base64") from None
        with self._adding:
            return self._keep(client, name, data)

    def _keep(self, client: Client, name: str, data: bytes) -> StoredFile:
        assert self._folder is not None
        owned = self._files.get(client.identifier)
        if owned is None:
            owned = self._files[client.identifier] = {}
            client.on_release(lambda: self._forget(client))
        if sum(file.size for file in owned.values()) + len(data) > MAX_TOTAL:
            raise _too_large(name, f"all files of a client at most {MAX_TOTAL // 2**20} MiB")
        identifier = f"{time.time_ns() // 1_000_000}-{next(self._numbers)}{_suffix(name)}"
        path = self._folder / identifier
        path.write_bytes(data)
        file = StoredFile(identifier, name, path, len(data), file_type(name, data))
        owned[identifier] = file
        return file

    def get(self, client: Client, identifier: str) -> StoredFile:
        """A file that the client itself has uploaded.

        Raises:
            ServerError: it has uploaded none under this identifier.
        """
        bare = identifier.removeprefix("local:")
        file = self._files.get(client.identifier, {}).get(bare)
        if file is None:
            raise ServerError(
                f"File not found: {bare}",
                suggestion="Upload it with this client; files go when their client disconnects",
            )
        return file

    def __len__(self) -> int:
        return sum(len(files) for files in self._files.values())

    def _forget(self, client: Client) -> None:
        for file in self._files.pop(client.identifier, {}).values():
            file.path.unlink(missing_ok=True)


def _decoded(content: str) -> bytes:
    """The bytes of base64, piece by piece: decoding it all at once would hold up all threads."""
    text = content.encode("ascii")
    pieces = (text[start : start + PIECE] for start in range(0, len(text), PIECE))
    data = bytearray()
    for piece in pieces:
        if len(data) % 3:  # the piece before was padded
            raise ValueError("padding in the middle")
        data += base64.b64decode(piece, validate=True)
    return bytes(data)


def _too_large(name: str, limit: str) -> ServerError:
    return ServerError(f"{PurePath(name).name} is too large: {limit}")


def _suffix(name: str) -> str:
    suffix = PurePath(name).suffix
    return suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,10}", suffix) else ""


def _sweep() -> None:
    """Removes the folders of servers that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        number = folder.name.removeprefix(PREFIX).split("-")[0]
        if number.isdigit() and not _lives(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # not ours
    return True
