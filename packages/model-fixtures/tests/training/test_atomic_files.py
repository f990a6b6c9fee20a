"""Files that appear complete or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from training.atomic_files import identity_line, replacing, write_json


def test_file_is_replaced_at_the_end(tmp_path: Path) -> None:
    """The path keeps its content until the block ends, and nothing else is left in the folder."""
    path = tmp_path / "new" / "file"
    for content in ("first", "second"):
        with replacing(path) as part:
            part.write_text(content, encoding="utf-8")
            assert not path.exists() or path.read_text(encoding="utf-8") == "first"
        assert path.read_text(encoding="utf-8") == content
    assert list(path.parent.iterdir()) == [path]


def test_failed_write_changes_nothing(tmp_path: Path) -> None:
    """A block that raises leaves the old content in place."""
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")

    def fail() -> None:
        with replacing(path) as part:
            part.write_text("new", encoding="utf-8")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text(encoding="utf-8") == "old"


def test_json_is_readable(tmp_path: Path) -> None:
    """JSON is indented, and letters outside ASCII stay as they are, in UTF-8."""
    path = tmp_path / "data.json"
    write_json(path, {"said": "20°C"})
    assert path.read_bytes() == '{\n "said": "20°C"\n}'.encode()


def test_identity_line_has_size_and_digest(tmp_path: Path) -> None:
    """The line has the path, the size in bytes and the SHA-256 digest."""
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert identity_line(path) == f"{path} 3 bytes sha256 {digest}"
