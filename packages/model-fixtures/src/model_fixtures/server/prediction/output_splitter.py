"""Generated text as events that belong to no protocol: text, reasoning, and parts of tool calls."""

from __future__ import annotations

from typing import Union

from model_fixtures.server.engine.generation import Text
from model_fixtures.server.protocol.kv_config import Settings

from .build import Prediction
from .reasoning_splitter import Piece, ReasoningSplitter
from .tool_call_splitter import (
    CallArguments,
    CallEnded,
    CallFailed,
    CallNamed,
    CallStarted,
    PlainText,
    ToolCallSplitter,
    ToolEvent,
)

REASONING_KEY = "llm.prediction.reasoning.parsing"
OutputEvent = Union[Piece, CallStarted, CallNamed, CallArguments, CallEnded, CallFailed]  # noqa: UP007


class OutputSplitter:
    """Finds reasoning in generated text first, then tool calls in the rest."""

    def __init__(self, prediction: Prediction) -> None:
        parsing = Settings(prediction.settings.mapping(REASONING_KEY))
        if parsing.boolean("enabled", True):
            start, end = (
                parsing.text("startString", "<think>"),
                parsing.text("endString", "</think>"),
            )
            self._reasoning = ReasoningSplitter(start, end)
        else:
            self._reasoning = ReasoningSplitter("", "")
        names = prediction.tool_names
        self._tools = ToolCallSplitter(names) if names else None

    def feed(self, text: Text) -> list[OutputEvent]:
        """Return what is certain after this text."""
        return self._events(self._reasoning.feed(text.content, text.tokens, text.probabilities))

    def finish(self) -> list[OutputEvent]:
        """Return what was held back."""
        events = self._events(self._reasoning.finish())
        if self._tools is not None:
            events += map(_neutral, self._tools.finish())
        return events

    def _events(self, pieces: list[Piece]) -> list[OutputEvent]:
        events: list[OutputEvent] = []
        for piece in pieces:
            if self._tools is None or piece.kind != "none":
                events.append(piece)
            else:
                found = self._tools.feed(piece.content, piece.tokens, piece.probabilities)
                events += map(_neutral, found)
        return events


def _neutral(event: ToolEvent) -> OutputEvent:
    if isinstance(event, PlainText):
        return Piece(event.content, event.tokens, "none", event.probabilities)
    return event
