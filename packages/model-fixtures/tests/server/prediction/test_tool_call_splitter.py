"""Tool calls in generated text, found while the text arrives."""

from __future__ import annotations

import pytest
from model_fixtures.server.prediction.tool_call_splitter import (
    CallArguments,
    CallEnded,
    CallFailed,
    CallNamed,
    CallStarted,
    PlainText,
    ToolCallSplitter,
    ToolEvent,
)

ONE = '[TOOL_REQUEST]{"name": "add", "arguments": {"a": 1, "b": {"c": "}"}}}[END_TOOL_REQUEST]'
OTHER = '[TOOL_REQUEST]{"name": "now", "arguments": {}}[END_TOOL_REQUEST]'
ADDED = {"a": 1, "b": {"c": "}"}}


def events(text: str, size: int, names: set[str] | None = None) -> list[ToolEvent]:
    """Return the events of a text that arrives in pieces of a size, one token each."""
    splitter = ToolCallSplitter({"add", "now"} if names is None else names)
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    return [event for piece in pieces for event in splitter.feed(piece, 1)] + splitter.finish()


def plain(found: list[ToolEvent]) -> str:
    """Return all plain text."""
    return "".join(event.content for event in found if isinstance(event, PlainText))


def calls(found: list[ToolEvent]) -> list[tuple[str, dict[str, object]]]:
    """Return names and arguments of the complete calls."""
    return [(event.name, event.arguments) for event in found if isinstance(event, CallEnded)]


SIZES = pytest.mark.parametrize("size", [1, 2, 3, 7, 20, 1000])


@SIZES
def test_call_is_found_however_it_is_cut(size: int) -> None:
    """A call becomes its start, name, arguments and end, in this order, and no text."""
    found = events(ONE, size)
    assert plain(found) == ""
    assert calls(found) == [("add", ADDED)]
    kinds = [type(event) for event in found]
    assert kinds[0] is CallStarted
    assert kinds[1] is CallNamed
    assert set(kinds[2:-1]) == {CallArguments}
    assert kinds[-1] is CallEnded


@SIZES
def test_argument_pieces_make_up_the_arguments(size: int) -> None:
    """The pieces of the arguments together are their JSON, without braces or markers around."""
    found = events(ONE, size)
    pieces = [event.content for event in found if isinstance(event, CallArguments)]
    assert "".join(pieces) == '{"a": 1, "b": {"c": "}"}}'
    assert all(pieces)


@SIZES
def test_text_before_a_call_stays_text(size: int) -> None:
    """Text before a call is passed on; the line break between them belongs to the format."""
    found = events("Hi there.\n" + ONE, size)
    assert plain(found) == "Hi there."
    assert calls(found) == [("add", ADDED)]


@SIZES
def test_calls_on_separate_lines(size: int) -> None:
    """Several calls follow one another, with nothing between them."""
    found = events(f"{ONE}\n{OTHER}\n", size)
    assert plain(found) == ""
    assert calls(found) == [("add", ADDED), ("now", {})]


@SIZES
def test_text_without_calls_is_untouched(size: int) -> None:
    """Text with brackets, line breaks and half a marker stays as it is."""
    text = "a [TOOL] b\n\n[TOOL_REQ c [[ ]\n[T"
    assert plain(events(text, size)) == text


@SIZES
@pytest.mark.parametrize(
    "body",
    [
        '{"name": "add", "arguments": {"a": 1}',  # a brace is missing
        '{"name": "fly", "arguments": {}}',  # not offered
        '{"name": "add", "arguments": [1]}',
        '{"arguments": {}}',
        "add(1)",
    ],
)
def test_call_that_is_not_well_formed_fails(body: str, size: int) -> None:
    """A call that can't be parsed, or names an unknown tool, fails with its raw text."""
    raw = f"[TOOL_REQUEST]{body}[END_TOOL_REQUEST]"
    found = events(raw, size)
    assert isinstance(found[0], CallStarted)
    assert found[-1] == CallFailed(raw)
    assert calls(found) == []


def test_call_that_breaks_off_fails() -> None:
    """A call without its end marker fails when the text ends."""
    found = events(ONE[:40], 5)
    assert found[-1] == CallFailed(ONE[:40])


def test_missing_arguments_are_none() -> None:
    """A call without arguments has an empty object as arguments."""
    found = events('[TOOL_REQUEST]{"name": "now"}[END_TOOL_REQUEST]', 1000)
    assert calls(found) == [("now", {})]


def test_tokens_of_text_are_counted_once() -> None:
    """The tokens of all text pieces add up to those of the text."""
    found = events("one two three four", 4)
    assert sum(event.tokens for event in found if isinstance(event, PlainText)) == 5
