"""What kind of file some bytes are."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest
from model_fixtures.server.files.file_types import file_type


def archive(*names: str) -> bytes:
    """Return a zip archive with empty files."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name in names:
            opened.writestr(name, "")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("no-extension", b"\x89PNG\r\n\x1a\nrest", "image"),
        ("wrong.txt", b"\xff\xd8\xff\xe0rest", "image"),
        ("a.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image"),
        ("a.gif", b"GIF89a", "image"),
        ("a.wav", b"RIFF\x00\x00\x00\x00WAVEfmt ", "unknown"),
        ("a", b"%PDF-1.7\n", "application/pdf"),
        ("a.docx", archive("word/document.xml"), "application/word"),
        ("a.zip", archive("other.xml"), "unknown"),
        ("a.zip", b"PK\x03\x04broken", "unknown"),
        ("a.txt", "grüße".encode(), "text/plain"),
        ("uuid-without-extension", b"text", "text/plain"),
        ("a.md", b"# text", "text/other"),
        ("a.py", b"", "text/other"),
        ("a.txt", b"\xff\xfe\x00", "unknown"),
        ("a.bin", b"a\x00b", "unknown"),
    ],
)
def test_content_decides(name: str, data: bytes, expected: str) -> None:
    """The bytes tell the type, whatever the name says."""
    assert file_type(name, data) == expected
