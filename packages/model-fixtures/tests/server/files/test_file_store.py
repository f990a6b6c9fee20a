"""Uploaded files: each belongs to a client, and goes with it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from model_fixtures.server.files import file_store as module
from model_fixtures.server.files.file_store import FileStore
from model_fixtures.server.files.file_types import FileType, file_type
from model_fixtures.server.protocol.client_identities import Client, ClientIdentities
from model_fixtures.server.protocol.errors import ServerError

TEXT = base64.b64encode(b"hello").decode()


@pytest.fixture
def store() -> Iterator[FileStore]:
    """Provide an empty store."""
    with FileStore() as opened:
        yield opened


def a_client(name: str = "guest:1") -> Client:
    """Return a connected client."""
    return ClientIdentities().enter(name, "passkey")


def test_file_comes_back_to_its_owner(store: FileStore) -> None:
    """The owner reads what it has sent; the identifier is a plain name."""
    client = a_client()
    file = store.add(client, "note.txt", TEXT)
    assert (file.name, file.size, file.kind) == ("note.txt", 5, "text/plain")
    assert not set(":/\\") & set(file.identifier)
    assert file.identifier.endswith(".txt")
    assert store.get(client, file.identifier).read() == b"hello"
    assert store.get(client, f"local:{file.identifier}").read() == b"hello"


def test_each_upload_has_its_own_identifier(store: FileStore) -> None:
    """Equal bytes under an equal name are two files."""
    client = a_client()
    first, second = store.add(client, "a", TEXT), store.add(client, "a", TEXT)
    assert first.identifier != second.identifier


def test_nobody_else_can_use_a_file(store: FileStore) -> None:
    """Another client's identifier is unknown."""
    file = store.add(a_client(), "a", TEXT)
    with pytest.raises(ServerError, match="File not found"):
        store.get(a_client("guest:2"), file.identifier)


def test_files_go_with_their_client(store: FileStore) -> None:
    """When the identity is released its files are deleted; others stay."""
    leaving, staying = a_client(), a_client("guest:2")
    gone, kept = store.add(leaving, "a", TEXT), store.add(staying, "a", TEXT)
    leaving.release()
    assert not gone.path.exists()
    assert kept.path.exists()
    assert len(store) == 1


def test_folder_goes_with_the_store() -> None:
    """Leaving the store deletes its folder."""
    with FileStore() as store:
        folder = store.add(a_client(), "a", TEXT).path.parent
        assert folder.is_dir()
    assert not folder.exists()


@pytest.mark.parametrize("content", ["no base64!", "aGVsbG8", "ä"])
def test_content_that_is_no_base64(store: FileStore, content: str) -> None:
    """Anything but base64 is refused, by the file's name."""
    with pytest.raises(ServerError, match=r"The content of a\.png is not base64"):
        store.add(a_client(), "a.png", content)
    assert len(store) == 0


@pytest.mark.difference("upload-limits")
def test_file_over_the_limit(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is too large is refused with the limit."""
    monkeypatch.setattr(module, "MAX_BYTES", 3)
    with pytest.raises(ServerError, match="too large"):
        store.add(a_client(), "a", base64.b64encode(b"x" * 20).decode())


@pytest.mark.difference("upload-limits")
def test_files_of_a_client_over_the_limit(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All files of a client together have a limit, and another client has its own."""
    monkeypatch.setattr(module, "MAX_TOTAL", 8)
    client = a_client()
    store.add(client, "a", TEXT)
    with pytest.raises(ServerError, match="all files of a client"):
        store.add(client, "a", TEXT)
    store.add(a_client("guest:2"), "a", TEXT)


@pytest.mark.difference("upload-limits")
def test_files_of_all_clients_over_the_limit(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All clients together have a limit, too; what a client leaves is room for others."""
    monkeypatch.setattr(module, "SERVER_MAX_TOTAL", 12)
    first, second = a_client(), a_client("guest:2")
    store.add(first, "a", TEXT)
    store.add(second, "a", TEXT)
    for client in (second, a_client("guest:3")):
        with pytest.raises(ServerError, match="all files of all clients at most"):
            store.add(client, "a", TEXT)
    first.release()
    store.add(second, "a", TEXT)


@pytest.mark.difference("upload-limits")
@pytest.mark.parametrize("limit", ["MAX_FILES", "SERVER_MAX_FILES"])
def test_empty_files_count(store: FileStore, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """The number of files is limited, even if they are empty."""
    monkeypatch.setattr(module, limit, 2)
    client = a_client()
    for _ in range(2):
        store.add(client, "a", "")
    with pytest.raises(ServerError, match="a is one file too many: at most 2 files of "):
        store.add(client, "a", "")
    client.release()
    store.add(a_client(), "a", "")


@contextmanager
def full_disk() -> Iterator[None]:
    """Provide a block in which files of this process have room for 1000 bytes."""
    resource = pytest.importorskip("resource")
    limit, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))


def test_full_disk(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed upload to a full disk leaves no file and takes no room; the error says why."""
    monkeypatch.setattr(module, "MAX_TOTAL", 2004)
    monkeypatch.setattr(module, "SERVER_MAX_TOTAL", 2004)
    client = a_client()
    folder = store.add(client, "a", TEXT).path.parent
    large = base64.b64encode(b"x" * 1999).decode()
    for _ in range(2):
        with pytest.raises(ServerError, match=r"Cannot keep b\.txt: "), full_disk():
            store.add(client, "b.txt", large)
    assert len(list(folder.iterdir())) == len(store) == 1
    store.add(client, "c", base64.b64encode(b"x" * 999).decode())


def test_client_that_leaves_meanwhile(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is being written when its client leaves goes, too, and takes no room."""
    monkeypatch.setattr(module, "SERVER_MAX_TOTAL", 8)
    client = a_client()
    folder = store.add(client, "a", "").path.parent

    def leave(name: str, data: bytes) -> FileType:
        client.release()
        return file_type(name, data)

    with monkeypatch.context() as patch:
        patch.setattr(module, "file_type", leave)
        with pytest.raises(ServerError, match="has left"):
            store.add(client, "b", TEXT)
    assert list(folder.iterdir()) == []
    store.add(a_client("guest:2"), "c", TEXT)


def test_limit_holds_for_uploads_at_once(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads come in several threads; together they don't get past the limit of a client."""
    monkeypatch.setattr(module, "MAX_TOTAL", 8)
    client = a_client()
    other = threading.Thread(target=lambda: refused.append(refusal(store, client)))
    refused: list[str] = []

    def meanwhile(name: str, data: bytes) -> FileType:
        # The other upload arrives while this one is under way, and must wait for it.
        monkeypatch.setattr(module, "file_type", file_type)
        other.start()
        other.join(0.1)
        return file_type(name, data)

    monkeypatch.setattr(module, "file_type", meanwhile)
    store.add(client, "first", TEXT)
    other.join()
    assert len(store) == 1
    assert refused == ["second is too large: all files of a client at most 0 MiB"]


def refusal(store: FileStore, client: Client) -> str:
    """Return why a second file is refused."""
    try:
        store.add(client, "second", TEXT)
    except ServerError as error:
        return error.title
    return "it was taken"


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b.txt", "c:\\d.txt", "x" * 500, ""])
def test_names_never_become_paths(store: FileStore, name: str) -> None:
    """Whatever a file is called, it lies in the store's own folder."""
    client = a_client()
    folder = store.add(client, "a", TEXT).path.parent
    assert store.add(client, name, TEXT).path.parent == folder


@pytest.mark.difference("upload-limits")
def test_limits_are_those_that_are_documented() -> None:
    """The other tests here lower the limits: this much is allowed."""
    mebibyte = 2**20
    assert 64 * mebibyte == module.MAX_BYTES
    assert (512 * mebibyte, 10_000) == (module.MAX_TOTAL, module.MAX_FILES)
    assert (2048 * mebibyte, 20_000) == (module.SERVER_MAX_TOTAL, module.SERVER_MAX_FILES)
