"""Uploaded files: each belongs to the client that sent it, and goes when that client leaves."""

from __future__ import annotations

import base64
import binascii
import itertools
import re
import tempfile
import threading
import time
from pathlib import Path, PurePath
from types import TracebackType

from msgspec import Struct

from model_fixtures.server.protocol.client_identities import Client
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.temporary_folders import TemporaryFolder

from .file_types import FileType, file_type

MAX_BYTES = 64 * 2**20  # of one file; a frame holds at most 100 MiB of base64
MAX_TOTAL = 512 * 2**20  # of one client
MAX_FILES = 10_000  # of one client: the smallest files take room, too
SERVER_MAX_TOTAL = 2 * 2**30  # of all clients together
SERVER_MAX_FILES = 20_000
PIECE = 4 * 2**18  # characters of base64 that are decoded at once; four are three bytes
PREFIX = "lmstudio-model-fixtures-uploads-"


class StoredFile(Struct, frozen=True):
    """An uploaded file. `identifier` is a plain name without a colon or a slash."""

    identifier: str
    name: str
    path: Path
    size: int
    kind: FileType

    def read(self) -> bytes:
        """Return the bytes as they were uploaded."""
        return self.path.read_bytes()


class _Room:
    """The room that some files take, including those that are still being written."""

    def __init__(self) -> None:
        self.bytes = 0
        self.files = 0

    def change(self, size: int, files: int) -> None:
        """Take room, or give it back (negative numbers)."""
        self.bytes += size
        self.files += files


class _Holding:
    """The files of one client."""

    def __init__(self) -> None:
        self.files: dict[str, StoredFile] = {}
        self.room = _Room()
        self.released = False


class FileStore:
    """All uploads of a server, in a temporary folder. A context manager, which removes it."""

    def __init__(self) -> None:
        self._folder = TemporaryFolder(Path(tempfile.gettempdir()), PREFIX)
        self._holdings: dict[str, _Holding] = {}
        self._room = _Room()  # of all clients
        self._numbers = itertools.count(1)
        # Uploads run in threads. The event loop takes the lock, too, so no file is read or written
        # under it.
        self._lock = threading.Lock()

    def __enter__(self) -> FileStore:
        self._folder.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove the folder; nothing can be added any more."""
        self._folder.remove()

    def add(self, client: Client, name: str, content_base64: str) -> StoredFile:
        """Keep a file for a client; equal bytes get a new identifier each time.

        Raises:
            ServerError: it is no base64, too large, or the disk is full.
        """
        if len(content_base64) > MAX_BYTES * 4 // 3 + 4:
            raise _too_large(name, f"at most {MAX_BYTES // 2**20} MiB")
        try:
            data = _decoded(content_base64)
        except (binascii.Error, ValueError):
            raise ServerError(f"The content of {PurePath(name).name} is not base64") from None
        with self._lock:
            holding = self._reserve(client, name, len(data))
        try:
            file = self._write(name, data)
        except BaseException:
            self._give_back(holding, len(data))
            raise
        with self._lock:
            if not holding.released:
                holding.files[file.identifier] = file
                return file
        file.path.unlink(missing_ok=True)
        raise ServerError(f"The client has left before {PurePath(name).name} was kept")

    def _reserve(self, client: Client, name: str, size: int) -> _Holding:
        holding = self._holdings.get(client.identifier) or _Holding()
        room, total = holding.room, self._room
        if room.files >= MAX_FILES:
            raise _too_many(name, f"at most {MAX_FILES} files of a client")
        if room.bytes + size > MAX_TOTAL:
            raise _too_large(name, f"all files of a client at most {MAX_TOTAL // 2**20} MiB")
        if total.files >= SERVER_MAX_FILES:
            raise _too_many(name, f"at most {SERVER_MAX_FILES} files of all clients")
        if total.bytes + size > SERVER_MAX_TOTAL:
            raise _too_large(
                name, f"all files of all clients at most {SERVER_MAX_TOTAL // 2**20} MiB"
            )
        if client.identifier not in self._holdings:
            self._holdings[client.identifier] = holding
            client.on_release(lambda: self._forget(client))
        room.change(size, 1)
        total.change(size, 1)
        return holding

    def _give_back(self, holding: _Holding, size: int) -> None:
        with self._lock:
            if not holding.released:
                holding.room.change(-size, -1)
                self._room.change(-size, -1)

    def _write(self, name: str, data: bytes) -> StoredFile:
        identifier = f"{time.time_ns() // 1_000_000}-{next(self._numbers)}{_suffix(name)}"
        path = self._folder.path / identifier
        kind = file_type(name, data)
        try:
            path.write_bytes(data)
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                text = f"Cannot keep {PurePath(name).name}: {error.strerror}"
                raise ServerError(text) from error
            raise
        return StoredFile(identifier, name, path, len(data), kind)

    def get(self, client: Client, identifier: str) -> StoredFile:
        """Return a file that the client itself has uploaded.

        Raises:
            ServerError: it has uploaded none under this identifier.
        """
        bare = identifier.removeprefix("local:")
        holding = self._holdings.get(client.identifier)
        file = None if holding is None else holding.files.get(bare)
        if file is None:
            raise ServerError(
                f"File not found: {bare}",
                suggestion="Upload it with this client; files go when their client disconnects",
            )
        return file

    def __len__(self) -> int:
        with self._lock:
            return sum(len(holding.files) for holding in self._holdings.values())

    def _forget(self, client: Client) -> None:
        with self._lock:
            holding = self._holdings.pop(client.identifier)
            holding.released = True
            self._room.change(-holding.room.bytes, -holding.room.files)
        for file in holding.files.values():
            file.path.unlink(missing_ok=True)


def _decoded(content: str) -> bytes:
    """Return the bytes of base64.

    It is decoded piece by piece: decoding all of it at once would hold up all threads.
    """
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


def _too_many(name: str, limit: str) -> ServerError:
    return ServerError(f"{PurePath(name).name} is one file too many: {limit}")


def _suffix(name: str) -> str:
    suffix = PurePath(name).suffix
    return suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,10}", suffix) else ""
