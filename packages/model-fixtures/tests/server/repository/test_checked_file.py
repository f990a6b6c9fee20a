"""Files that arrive in pieces: digests, staging folders, and memory for them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from model_fixtures.server.repository.checked_file import CheckedFile, DownloadError, has_digest
from model_fixtures.server.repository.memory_fit import available_memory, estimate_fit
from model_fixtures.server.repository.staging_folders import staging

CONTENT = b"some bytes"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OTHER = b"same bytes"  # the same number of bytes
OTHER_DIGEST = hashlib.sha256(OTHER).hexdigest()


def test_whole_file(tmp_path: Path) -> None:
    """Pieces with the right size and digest make the file."""
    with CheckedFile(tmp_path / "a", len(CONTENT), DIGEST) as part:
        part.write(CONTENT[:4])
        part.write(CONTENT[4:])
        part.check()
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert has_digest(tmp_path / "a", DIGEST)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CONTENT[:-1], "the hub sent 9 of 10 bytes: try again, or correct 'size'"),
        (CONTENT + b"!", "the hub sends more than 10 bytes: correct 'size' or 'url'"),
        (
            OTHER,
            f"it has SHA-256 {OTHER_DIGEST} instead of {DIGEST}: correct 'sha256' or 'url'",
        ),
    ],
)
def test_wrong_bytes(tmp_path: Path, content: bytes, message: str) -> None:
    """The error for too few, too many or other bytes says what to do."""
    part = CheckedFile(tmp_path / "a", len(CONTENT), DIGEST)
    with part, pytest.raises(DownloadError) as raised:  # noqa: PT012 (the first or the second)
        part.write(content)
        part.check()
    assert str(raised.value) == message


def test_digest_of_other_files(tmp_path: Path) -> None:
    """A missing, a different and an unreadable file don't have the digest."""
    (tmp_path / "a").write_bytes(b"other")
    assert not has_digest(tmp_path / "a", DIGEST)
    assert not has_digest(tmp_path / "b", DIGEST)
    assert not has_digest(tmp_path, DIGEST)
    assert not has_digest(Path(os.devnull), hashlib.sha256(b"").hexdigest())


@pytest.mark.anyio
async def test_staging_folder_goes(tmp_path: Path) -> None:
    """A staging folder with all in it is gone after the block, also after an error."""
    with pytest.raises(KeyError):  # noqa: PT012
        async with staging(tmp_path / "models") as folder:
            (folder / "half.gguf").write_bytes(b"half")
            raise KeyError
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.anyio
async def test_two_stagings_at_once(tmp_path: Path) -> None:
    """Downloads at the same time have folders of their own."""
    async with staging(tmp_path) as one, staging(tmp_path) as two:
        (one / "a").touch()
        assert list(two.iterdir()) == []
        assert (one / "a").exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("available", "fit"),
    [(1200, "fitWithoutGPU"), (1199, "willNotFit"), (None, "fitWithoutGPU")],
)
def test_fit(available: int | None, fit: str) -> None:
    """A model needs a fifth more than its file; if the memory is unknown, it fits."""
    assert estimate_fit(1000, available) == fit


def test_available_memory() -> None:
    """This machine has memory for the smallest model."""
    available = available_memory()
    assert available is not None
    assert available > 100_000_000
