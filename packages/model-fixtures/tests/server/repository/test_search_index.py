"""Searching what can be downloaded."""

from __future__ import annotations

import pytest
from model_fixtures.server.repository.downloadable_models import Entry, Option
from model_fixtures.server.repository.search_index import SearchIndex, is_exact


def entry(identifier: str) -> Entry:
    """Return an entry that nobody downloads."""
    author, name = identifier.split("/")
    return Entry(author=author, name=name, options=(Option(file="a.gguf", size=1),))


NAMES = ("Me/Tiny-Chat-7B", "Me/Tiny-Chat", "You/Embed", *(f"Many/Model-{n}" for n in range(40)))
INDEX = SearchIndex([entry(name) for name in NAMES])


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("tiny", ["Me/Tiny-Chat-7B", "Me/Tiny-Chat"]),
        ("TINY 7b", ["Me/Tiny-Chat-7B"]),
        ("  chat   me ", ["Me/Tiny-Chat-7B", "Me/Tiny-Chat"]),
        ("you", ["You/Embed"]),
        ("you/em", ["You/Embed"]),
        ("tiny embed", []),
        ("tiny-chat", ["Me/Tiny-Chat", "Me/Tiny-Chat-7B"]),
        ("me/TINY-chat", ["Me/Tiny-Chat", "Me/Tiny-Chat-7B"]),
    ],
)
def test_term(term: str, found: list[str]) -> None:
    """All words must be in author or name, in any case; an exact name comes first."""
    assert [each.identifier for each in INDEX.search(term)] == found


def test_limit() -> None:
    """There are as many results as asked for, 25 by default; an empty term finds everything."""
    assert [each.identifier for each in INDEX.search(limit=2)] == list(NAMES[:2])
    assert len(INDEX.search()) == 25
    assert len(INDEX.search("many", limit=3)) == 3


@pytest.mark.parametrize(
    ("types", "count"), [(None, 2), (["gguf"], 2), (["onnx", "gguf"], 2), (["onnx"], 0), ([], 0)]
)
def test_compatibility_types(types: list[str] | None, count: int) -> None:
    """Everything here is GGUF, so other formats find nothing."""
    assert len(INDEX.search("tiny", compatibility_types=types)) == count


@pytest.mark.parametrize(
    ("term", "exact"),
    [
        ("tiny-chat", True),
        ("Me/Tiny-Chat", True),
        (" TINY-CHAT ", True),
        ("tiny", False),
        ("", False),
    ],
)
def test_exact(term: str, exact: bool) -> None:
    """A term is exact if it is the whole name, with the author or without."""
    assert is_exact(entry("Me/Tiny-Chat"), term) is exact


@pytest.mark.parametrize(
    ("identifier", "found"),
    [
        ("you/embed", "You/Embed"),
        ("https://huggingface.co/You/Embed/", "You/Embed"),
        ("Embed", None),
        ("You", None),
        ("", None),
    ],
)
def test_find(identifier: str, found: str | None) -> None:
    """An entry is found by author/name, in any case, also as the end of a URL."""
    result = INDEX.find(identifier)
    assert (None if result is None else result.identifier) == found
