"""The type of a file, in the words that SDKs accept."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import PurePath
from typing import Literal

FileType = Literal[
    "image", "text/plain", "application/pdf", "application/word", "text/other", "unknown"
]


def file_type(name: str, data: bytes) -> FileType:
    """Return the type of a file by its content; the name decides between plain and other text.

    SDKs upload raw bytes under a random name without an extension, so names prove nothing.
    """
    if _is_image(data):
        return "image"
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    if data.startswith(b"PK\x03\x04"):
        return "application/word" if _is_word(data) else "unknown"
    if not _is_text(data):
        return "unknown"
    return "text/plain" if PurePath(name).suffix.lower() in {"", ".txt"} else "text/other"


def _is_image(data: bytes) -> bool:
    return data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")) or (
        data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    )


def _is_word(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return "word/document.xml" in archive.namelist()
    except zipfile.BadZipFile:
        return False


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return "\x00" not in text
