"""Temporary folders, and what killed processes leave of them."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from model_fixtures.temporary_folders import TemporaryFolder, remove_abandoned

# A process that makes a folder, says so, and waits to be killed.
OWNER = """
import sys
from pathlib import Path
from model_fixtures.temporary_folders import TemporaryFolder

with TemporaryFolder(Path(sys.argv[1]), ".work-") as folder:
    (folder / "half").write_bytes(b"half")
    print("made", flush=True)
    sys.stdin.read()
"""


def test_folder_and_lock_go(tmp_path: Path) -> None:
    """Nothing is left after the block, also after an error; a missing parent is made."""
    parent = tmp_path / "parent"
    with pytest.raises(KeyError), TemporaryFolder(parent, ".work-") as folder:  # noqa: PT012
        (folder / "half").write_bytes(b"half")
        raise KeyError
    assert list(parent.iterdir()) == []


def test_two_at_once(tmp_path: Path) -> None:
    """Two users of the same prefix have folders of their own, and leave each other's alone."""
    with TemporaryFolder(tmp_path, ".work-") as one, TemporaryFolder(tmp_path, ".work-") as two:
        (one / "a").touch()
        assert list(two.iterdir()) == []
        assert (one / "a").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    """Only the owner may enter a folder: it may lie among those of all users."""
    with TemporaryFolder(tmp_path, ".work-") as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_folder_of_a_killed_process_is_removed(tmp_path: Path) -> None:
    """A living process keeps its folder; once it was killed, the next user removes it."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "made\n"
        (theirs,) = tmp_path.glob(".work-*/half")
        with TemporaryFolder(tmp_path, ".work-"):
            assert theirs.exists()
        owner.kill()
    with TemporaryFolder(tmp_path, ".work-") as ours:
        assert sorted(tmp_path.iterdir()) == [ours, ours.with_name(f"{ours.name}.lock")]


def test_what_counts_as_abandoned(tmp_path: Path) -> None:
    """A folder without a lock goes, and so does a lock without a folder; other prefixes stay."""
    for name in (".work-un.locked", ".work-alive", ".workshop-other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_bytes(b"half")
    (tmp_path / ".work-alone.lock").touch()
    with FileLock(tmp_path / ".work-alive.lock"):
        remove_abandoned(tmp_path, ".work-")
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            ".work-alive",
            ".work-alive.lock",
            ".workshop-other",
        ]


def test_links_are_left_alone(tmp_path: Path) -> None:
    """A link under such a name, in a folder that others can write to, leads nowhere."""
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / ".work-trap").mkdir()
    try:
        (tmp_path / ".work-trap.lock").symlink_to(tmp_path / "mine")
    except OSError:
        pytest.skip("this system lets nobody make links")
    remove_abandoned(tmp_path, ".work-")
    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_lock_that_is_swept_while_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder whose lock another process removes before it is locked gets a new lock."""
    folder = TemporaryFolder(tmp_path, "x-")
    acquire = folder._lock.acquire
    calls = 0

    def swept(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        taken = acquire(*args, **kwargs)
        if calls == 1:
            (tmp_path / f"{folder.path.name}.lock").unlink()
        return taken

    monkeypatch.setattr(folder._lock, "acquire", swept)
    with folder:
        remove_abandoned(tmp_path, "x-")
        assert folder.path.is_dir()


def test_new_lock_under_a_swept_name_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that somebody makes right after a sweep has let the name go is not removed."""
    lock = tmp_path / "x-1.lock"
    lock.touch()
    release = FileLock.release

    def release_and_make(self: FileLock, *args: Any, **kwargs: Any) -> None:
        release(self, *args, **kwargs)
        lock.touch()

    monkeypatch.setattr(FileLock, "release", release_and_make)
    remove_abandoned(tmp_path, "x-")
    assert lock.exists()
