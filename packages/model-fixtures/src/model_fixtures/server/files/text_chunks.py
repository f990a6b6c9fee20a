"""Documents cut into pieces that are small enough to embed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from .document_text import Page

SEPARATORS = ("\n\n", "\n", ". ", " ")


class Chunk(Struct, frozen=True):
    """A piece of a document; `page` and `line` count from 1."""

    content: str
    page: int | None
    line: int


def chunks(pages: Iterable[Page], size: int, overlap: int) -> Iterator[Chunk]:
    """Yield the text of pages in chunks of at most `size` characters.

    Cuts fall on paragraphs, else on lines, sentences, words (method `recursive-v1`). The end of a
    chunk is repeated at the beginning of the next, at most `overlap` characters.
    """
    for page in pages:
        position, counted, line = 0, 0, 1
        for piece in _merged(_split(page.text, size, SEPARATORS), size, overlap):
            content = piece.strip()
            if not content:
                continue
            found = page.text.find(content, max(0, position - overlap))
            position = found if found >= 0 else position
            line += page.text.count("\n", counted, position)
            line -= page.text.count("\n", position, counted)  # of an overlap that goes back
            counted = position
            yield Chunk(content, page.number, line)


def _split(text: str, size: int, separators: tuple[str, ...]) -> Iterator[str]:
    """Yield pieces no longer than `size`, cut as rarely as possible."""
    if len(text) <= size:
        yield text
        return
    if not separators:
        for start in range(0, len(text), size):
            yield text[start : start + size]
        return
    separator, finer = separators[0], separators[1:]
    start = 0
    # Not `split`: a text of millions of blanks would become a list of millions at once.
    while start < len(text):
        found = text.find(separator, start)
        end = len(text) if found < 0 else found + len(separator)
        yield from _split(text[start:end], size, finer)
        start = end


def _merged(pieces: Iterable[str], size: int, overlap: int) -> Iterator[str]:
    """Yield neighbouring pieces joined together, as many as fit."""
    current = ""
    for piece in pieces:
        if current and len(current) + len(piece) > size:
            yield current
            kept = current[len(current) - overlap :] if 0 < overlap < size else ""
            # An overlap that doesn't fit beside the next piece is left out.
            current = kept if len(kept) + len(piece) <= size else ""
        current += piece
    if current:
        yield current
