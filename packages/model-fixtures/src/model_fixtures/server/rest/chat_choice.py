"""The one choice of a chat's answer: from the events of a prediction to OpenAI's messages."""

from __future__ import annotations

import json
from typing import Any

from model_fixtures.server.engine.generation import TokenProbability
from model_fixtures.server.prediction.build import Prediction
from model_fixtures.server.prediction.output_splitter import OutputEvent
from model_fixtures.server.prediction.reasoning_splitter import Piece
from model_fixtures.server.prediction.statistics import Statistics
from model_fixtures.server.prediction.tool_call_splitter import (
    CallArguments,
    CallEnded,
    CallFailed,
    CallNamed,
    new_call_id,
)

from .log_probabilities import chat_entries
from .prediction_stats import finish_reason


class ChatChoice:
    """Makes the choices of a stream's chunks, and gathers them for a whole answer.

    Args:
        prediction: what is answered.
    """

    def __init__(self, prediction: Prediction) -> None:
        self._names = prediction.tool_names
        self._log_probs = prediction.request.sampling.log_probs is not None
        self._begun = False
        self._content: str | None = None
        self._reasoning = ""
        self._calls: list[dict[str, Any]] = []
        self._entries: list[dict[str, Any]] = []
        self._open = False  # whether parts of the last call can still follow
        self._finish: str | None = None

    def parts(self, event: OutputEvent) -> list[dict[str, Any]]:
        """Return the choices with which an event is told in a stream."""
        match event:
            case Piece(kind="none"):
                return [self._text(event.content, event.probabilities)]
            case Piece(kind="reasoning"):
                self._reasoning += event.content
                return [self._part({"reasoning_content": event.content})]
            case CallNamed() if event.name in self._names:
                return [self._begin_call(event.name)]
            case CallArguments() if self._open:
                return [self._argument(event.content)]
            case CallEnded():
                return self._end_call(event)
            case CallFailed() if not self._open:
                return [self._text(event.raw, [])]
            case CallFailed():
                self._open = False  # it was cut off, and so are its arguments
        return []

    def end(self, statistics: Statistics) -> list[dict[str, Any]]:
        """Return the last choices of a stream; the very last one tells why the answer ended."""
        parts = []
        if not self._begun:
            self._content = ""
            parts.append(self._part({"content": ""}))
        self._finish = finish_reason(statistics.stop_reason, called=bool(self._calls))
        return [*parts, self._part({})]

    def whole(self) -> dict[str, Any]:
        """Return the choice of an answer that is not streamed."""
        message: dict[str, Any] = {"role": "assistant", "content": self._content}
        if self._content is None and not self._calls:
            message["content"] = ""
        if self._reasoning:
            message["reasoning_content"] = self._reasoning
        if self._calls:
            message["tool_calls"] = self._calls
        return {
            "index": 0,
            "message": message,
            "logprobs": self._logprobs(self._entries),
            "finish_reason": self._finish,
        }

    def _part(
        self, delta: dict[str, Any], entries: list[dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        if not self._begun and delta:
            self._begun = True
            delta = {"role": "assistant", **delta}
        return {
            "index": 0,
            "delta": delta,
            "logprobs": self._logprobs(entries) if entries else None,
            "finish_reason": self._finish,
        }

    def _logprobs(self, entries: list[dict[str, Any]]) -> dict[str, Any] | None:
        return {"content": entries, "refusal": None} if self._log_probs else None

    def _text(self, content: str, tokens: list[TokenProbability]) -> dict[str, Any]:
        self._content = (self._content or "") + content
        entries = chat_entries(tokens)
        self._entries += entries
        return self._part({"content": content}, entries)

    def _begin_call(self, name: str) -> dict[str, Any]:
        call = {
            "id": new_call_id(),
            "type": "function",
            "function": {"name": name, "arguments": ""},
        }
        self._calls.append(call)
        self._open = True
        copy = {**call, "function": {"name": name, "arguments": ""}}
        delta: dict[str, Any] = {"tool_calls": [{"index": len(self._calls) - 1, **copy}]}
        if not self._begun:
            delta = {"content": None, **delta}
        return self._part(delta)

    def _argument(self, content: str) -> dict[str, Any]:
        self._calls[-1]["function"]["arguments"] += content
        index = len(self._calls) - 1
        return self._part({"tool_calls": [{"index": index, "function": {"arguments": content}}]})

    def _end_call(self, event: CallEnded) -> list[dict[str, Any]]:
        parts = []
        if not self._open:
            parts.append(self._begin_call(event.name))
        if not self._calls[-1]["function"]["arguments"]:
            parts.append(self._argument(json.dumps(event.arguments)))
        self._open = False
        return parts
