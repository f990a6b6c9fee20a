"""Tokens with probabilities follow the text that the splitters cut."""

from __future__ import annotations

import pytest
from model_fixtures.server.engine.generation import TokenProbability
from model_fixtures.server.prediction.reasoning_splitter import ReasoningSplitter
from model_fixtures.server.prediction.token_queue import TokenQueue
from model_fixtures.server.prediction.tool_call_splitter import PlainText, ToolCallSplitter


def token(text: str) -> TokenProbability:
    """Return a token."""
    return TokenProbability(text, 1, -0.5, [])


def texts(tokens: list[TokenProbability]) -> list[str]:
    """Return the texts of tokens."""
    return [each.text for each in tokens]


def test_token_goes_with_the_stretch_that_shows_it_first() -> None:
    """A cut inside a token leaves it to the stretch before the cut."""
    queue = TokenQueue()
    queue.add("abcdef", [token("ab"), token("cd"), token("ef")])
    assert texts(queue.take(3)) == ["ab", "cd"]
    assert queue.take(1) == []
    queue.add("gh", [token("gh")])
    assert texts(queue.take(4)) == ["ef", "gh"]


def test_dropped_text_takes_its_tokens_along() -> None:
    """A token that reaches beyond dropped text stays for the text that follows."""
    queue = TokenQueue()
    queue.add("\n\na b", [token("\n"), token("\na"), token(" b")])
    queue.drop(2)
    assert texts(queue.take(1)) == ["\na"]
    assert texts(queue.take(2)) == [" b"]


def test_text_that_differs_from_its_tokens() -> None:
    """The last token of a text ends where the text does, whatever the tokens' own texts are."""
    queue = TokenQueue()
    queue.add(" ", [token(" Paris")])
    queue.add("🐉", [token("�")])
    queue.add("abc", [token("a")])
    queue.add("d", [token("d")])
    assert texts(queue.take(1)) == [" Paris"]
    assert texts(queue.take(1)) == ["�"]
    assert texts(queue.take(3)) == ["a"]
    assert texts(queue.take(1)) == ["d"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_reasoning_keeps_every_token(size: int) -> None:
    """Each token comes once and in order, in a piece that shows its beginning."""
    text = "<think>1 < 2</think>Yes, <th."
    parts = [text[start : start + size] for start in range(0, len(text), size)]
    splitter = ReasoningSplitter("<think>", "</think>")
    pieces = [piece for part in parts for piece in splitter.feed(part, 1, [token(part)])]
    pieces += splitter.finish()
    assert "".join(piece.content for piece in pieces) == text
    assert [each for piece in pieces for each in texts(piece.probabilities)] == parts
    shown = 0
    for piece in pieces:
        before, shown = shown, shown + len(piece.content)
        for each in piece.probabilities:
            assert before <= parts.index(each.text) * size < shown or parts.count(each.text) > 1


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_tool_calls_keep_the_tokens_of_text(size: int) -> None:
    """The tokens of the text around a call come once; those of the call do not come."""
    call = '[TOOL_REQUEST]{"name": "add", "arguments": {}}[END_TOOL_REQUEST]'
    text = f"Let [me].\n\n{call}\n\nOr not."
    splitter = ToolCallSplitter({"add"})
    parts = [text[start : start + size] for start in range(0, len(text), size)]
    found = [event for part in parts for event in splitter.feed(part, 1, [token(part)])]
    found += splitter.finish()
    kept = [
        each
        for event in found
        if isinstance(event, PlainText)
        for each in texts(event.probabilities)
    ]
    first, after = len("Let [me]."), len(text) - len("Or not.")
    ends = range(size, len(text) + size, size)
    wanted = [
        part for part, end in zip(parts, ends, strict=True) if end - size < first or end > after
    ]
    assert kept == wanted
