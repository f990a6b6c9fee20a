"""Documents cut into chunks."""

from __future__ import annotations

import pytest
from model_fixtures.server.files.document_text import Page
from model_fixtures.server.files.text_chunks import chunks

TEXT = "\n\n".join(
    f"Paragraph {number} has a sentence. It has another one, too." for number in range(20)
)


@pytest.mark.parametrize(("size", "overlap"), [(40, 0), (100, 20), (512, 100), (10_000, 100)])
def test_chunks_are_small_and_nothing_is_lost(size: int, overlap: int) -> None:
    """No chunk is longer than the size, and every paragraph is in one."""
    found = list(chunks([Page(TEXT, None)], size, overlap))
    assert all(len(chunk.content) <= size for chunk in found)
    joined = " ".join(chunk.content for chunk in found)
    assert all(f"Paragraph {number}" in joined for number in range(20))


def test_cuts_fall_on_paragraphs() -> None:
    """Where paragraphs fit, chunks begin and end with them."""
    found = list(chunks([Page(TEXT, None)], 120, 0))
    assert all(chunk.content.startswith("Paragraph") for chunk in found)
    assert all(chunk.content.endswith("too.") for chunk in found)


def test_text_without_any_space_is_cut_by_length() -> None:
    """A text without separators is cut by length."""
    found = list(chunks([Page("x" * 100, None)], 30, 0))
    assert [len(chunk.content) for chunk in found] == [30, 30, 30, 10]


def test_overlap_repeats_the_end() -> None:
    """With an overlap a chunk begins with the end of the one before."""
    text = " ".join(f"w{number}" for number in range(50))
    first, second, *_ = chunks([Page(text, None)], 60, 20)
    assert second.content.split()[0] in first.content.split()


def test_pages_and_lines_are_known() -> None:
    """Each chunk knows its page and the line that it begins in."""
    found = list(chunks([Page("one\ntwo\nthree", 1), Page("four", 2)], 5, 0))
    assert [(chunk.content, chunk.page, chunk.line) for chunk in found] == [
        ("one", 1, 1),
        ("two", 1, 2),
        ("three", 1, 3),
        ("four", 2, 1),
    ]


def test_empty_pages_have_no_chunks() -> None:
    """White space alone is no chunk."""
    assert list(chunks([Page(" \n\n ", 1)], 10, 0)) == []
