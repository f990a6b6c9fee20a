"""Generated text becomes events that no protocol shapes."""

from __future__ import annotations

import pytest
from model_fixtures.server.engine.generation import Text
from model_fixtures.server.prediction.output_splitter import (
    REASONING_KEY,
    OutputEvent,
    OutputSplitter,
)
from model_fixtures.server.prediction.reasoning_splitter import Piece
from model_fixtures.server.prediction.tool_call_splitter import (
    CallArguments,
    CallEnded,
    CallFailed,
    CallNamed,
    CallStarted,
)

from ..made_predictions import prediction  # noqa: TID252 (tests are no importable package)

CALL = '[TOOL_REQUEST]{"name": "add", "arguments": {"a": 1}}[END_TOOL_REQUEST]'


def split(splitter: OutputSplitter, *texts: str) -> list[OutputEvent]:
    """Return all events of texts of one token each."""
    events = [event for text in texts for event in splitter.feed(Text(text, 1))]
    return events + splitter.finish()


def test_reasoning_comes_before_tools() -> None:
    """A call inside of reasoning is reasoning; one after it is a call."""
    splitter = OutputSplitter(prediction(tools=["add"]))
    events = split(splitter, f"<think>{CALL}</think>Now: {CALL}")
    assert [(event.content, event.kind) for event in events if isinstance(event, Piece)] == [
        ("<think>", "reasoningStartTag"),
        (CALL, "reasoning"),
        ("</think>", "reasoningEndTag"),
        ("Now: ", "none"),
    ]
    assert [event for event in events if not isinstance(event, Piece)] == [
        CallStarted(),
        CallNamed("add"),
        CallArguments('{"a": 1}'),
        CallEnded("add", {"a": 1}, CALL),
    ]


def test_without_tools_a_call_is_text() -> None:
    """A model that was offered no tools writes text."""
    assert split(OutputSplitter(prediction()), CALL) == [Piece(CALL, 1, "none")]


def test_reasoning_can_be_left_in_the_text() -> None:
    """A request can switch the parsing of reasoning off."""
    splitter = OutputSplitter(prediction({REASONING_KEY: {"enabled": False}}))
    assert split(splitter, "<think>a</think>") == [Piece("<think>a</think>", 1, "none")]


@pytest.mark.parametrize("tools", [[], ["add"]])
def test_held_text_comes_at_the_end(tools: list[str]) -> None:
    """What might have begun a tag comes when the text ends."""
    events = split(OutputSplitter(prediction(tools=tools)), "a", "<th")
    assert "".join(event.content for event in events if isinstance(event, Piece)) == "a<th"


def test_open_call_has_failed() -> None:
    """A call that the end cuts off has failed."""
    events = split(OutputSplitter(prediction(tools=["add"])), CALL[:30])
    assert events[-1] == CallFailed(CALL[:30])
