"""Documents as text: plain text and Markdown as they are, PDF by pypdf."""

from __future__ import annotations

from importlib.metadata import version
from io import BytesIO
from typing import TYPE_CHECKING

from msgspec import Struct

from model_fixtures.server.protocol.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .file_store import StoredFile

PLAIN = ("text", "1")


class Page(Struct, frozen=True):
    """The text of a page; `number` counts from 1, None where a document has no pages."""

    text: str
    number: int | None


def parser_of(file: StoredFile) -> tuple[str, str]:
    """Return the library that reads a file, and its version.

    Raises:
        ServerError: no parser reads this type.
    """
    if file.kind == "application/pdf":
        return "pypdf", version("pypdf")
    if file.kind in {"text/plain", "text/other"}:
        return PLAIN
    raise ServerError(
        f"Cannot read {file.name}: no parser for files of type {file.kind}",
        suggestion="Send plain text, Markdown or PDF",
    )


def pages(file: StoredFile) -> Iterator[tuple[float, Page]]:
    """Yield the pages of a document, each with the share that has been read then (0 to 1).

    Raises:
        ServerError: the file can't be read.
    """
    if parser_of(file) == PLAIN:
        yield 1.0, Page(file.read().decode(), None)
        return
    # pypdf takes a while to import, and most servers never read a PDF.
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(BytesIO(file.read()))
        total = len(reader.pages)
        for number, page in enumerate(reader.pages, start=1):
            yield number / total, Page(page.extract_text(), number)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError) as error:
        # A damaged file makes pypdf fail in any of these ways.
        raise ServerError(f"Cannot read {file.name}: {type(error).__name__}") from error
