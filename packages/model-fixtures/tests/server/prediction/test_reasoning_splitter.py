"""Reasoning tags are cut exactly, even across tokens and inside words."""

from __future__ import annotations

import pytest
from model_fixtures.server.prediction.reasoning_splitter import Piece, ReasoningSplitter


def pieces(text: list[str], start: str = "<think>", end: str = "</think>") -> list[Piece]:
    """Return a splitter's pieces of a text that arrives in pieces of one token each."""
    splitter = ReasoningSplitter(start, end)
    return [piece for part in text for piece in splitter.feed(part, 1)] + splitter.finish()


def kinds(text: list[str]) -> list[tuple[str, str]]:
    """Return contents and kinds, with neighbours of one kind joined."""
    joined: list[tuple[str, str]] = []
    for piece in pieces(text):
        if joined and joined[-1][1] == piece.kind:
            joined[-1] = (joined[-1][0] + piece.content, piece.kind)
        else:
            joined.append((piece.content, piece.kind))
    return joined


EXPECTED = [
    ("a", "none"),
    ("<think>", "reasoningStartTag"),
    ("why", "reasoning"),
    ("</think>", "reasoningEndTag"),
    ("b", "none"),
]


@pytest.mark.parametrize(
    "text",
    [
        ["a<think>why</think>b"],
        ["a", "<think>", "why", "</think>", "b"],
        list("a<think>why</think>b"),
        ["a<th", "ink>w", "hy</", "think>b"],
    ],
)
def test_tags_are_cut_wherever_tokens_end(text: list[str]) -> None:
    """The kinds are the same however the text is cut into tokens."""
    assert kinds(text) == EXPECTED


def test_beginning_of_a_tag_that_is_none_comes_out_as_text() -> None:
    """Text that was held back as a possible tag is not lost."""
    assert kinds(["a <thi", "s", " <"]) == [("a <this <", "none")]


def test_no_text_is_lost_or_empty() -> None:
    """All pieces together are the whole text, and none is empty."""
    text = ["x<think", ">", "<think>y", "</think></think>", "z<"]
    found = pieces(text)
    assert "".join(piece.content for piece in found) == "".join(text)
    assert all(piece.content for piece in found)


def test_every_token_is_counted_once() -> None:
    """The tokens of all pieces add up to those of the text."""
    text = ["a<th", "ink>w", "hy</", "think>b", "<"]
    assert sum(piece.tokens for piece in pieces(text)) == len(text)


def test_empty_tags_switch_it_off() -> None:
    """Without tags all text is plain and nothing is held back."""
    splitter = ReasoningSplitter("", "")
    assert splitter.feed("<think>", 1) == [Piece("<think>", 1, "none")]
