"""Find tool calls in generated text as it arrives, in the text format of `tool_format`."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from typing import Any, Union

from msgspec import Struct

from model_fixtures.server.engine.generation import TokenProbability
from model_fixtures.tool_format import CALL_END, CALL_START

from .token_queue import TokenQueue

NAME = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")')
ARGUMENTS = re.compile(r'\s*,\s*"arguments"\s*:\s*')


class PlainText(Struct, frozen=True):
    """Text outside of calls."""

    content: str
    tokens: int
    probabilities: list[TokenProbability] = []


class CallStarted(Struct, frozen=True):
    """The model began a call."""


class CallNamed(Struct, frozen=True):
    """The name of the tool is complete."""

    name: str


class CallArguments(Struct, frozen=True):
    """A raw stretch of the arguments' JSON."""

    content: str


class CallEnded(Struct, frozen=True):
    """A call is complete; `raw` is its text with the markers."""

    name: str
    arguments: dict[str, Any]
    raw: str


class CallFailed(Struct, frozen=True):
    """A call broke off or is not well formed."""

    raw: str


ToolEvent = Union[PlainText, CallStarted, CallNamed, CallArguments, CallEnded, CallFailed]  # noqa: UP007


def new_call_id() -> str:
    """Return a random id for a call, in the app's form."""
    return str(secrets.randbelow(900_000_000) + 100_000_000)


class ToolCallSplitter:
    """Takes text in pieces and returns plain text and the parts of calls.

    Line breaks between text and calls belong to the format and are dropped. So are the tokens of
    a call, because no packet of a call has a place for them.

    Args:
        names: the offered tools; a call of any other fails.
    """

    def __init__(self, names: set[str]) -> None:
        self._names = names
        self._held = ""
        self._tokens = 0
        self._queue = TokenQueue()
        self._inside = False
        self._named = False
        self._passed = 0  # characters of the body that were passed on as arguments
        self._after_call = False

    def feed(
        self, text: str, tokens: int, probabilities: Sequence[TokenProbability] = ()
    ) -> list[ToolEvent]:
        """Return what is certain after this text."""
        self._held += text
        self._tokens += tokens
        self._queue.add(text, probabilities)
        events: list[ToolEvent] = []
        while self._step(events):
            pass
        return events

    def finish(self) -> list[ToolEvent]:
        """Return what was held back; a call that is still open has failed."""
        if self._inside:
            return [CallFailed(CALL_START + self._held)]
        events: list[ToolEvent] = []
        if not (self._after_call and not self._held.strip()):
            self._text(events, self._held)
        return events

    def _step(self, events: list[ToolEvent]) -> bool:
        if self._inside:
            return self._inside_call(events)
        start = self._held.find(CALL_START)
        if start < 0:
            self._plain(events)
            return False
        content = self._held[:start].rstrip("\n")
        self._text(events, content)
        self._queue.drop(start + len(CALL_START) - len(content))
        self._held = self._held[start + len(CALL_START) :]
        self._inside, self._named, self._passed = True, False, 0
        events.append(CallStarted())
        return True

    def _plain(self, events: list[ToolEvent]) -> None:
        """Pass on text that can no longer be the beginning of a call."""
        certain = re.match(r"(?s)(.*?)(\n*)$", self._before_marker())
        assert certain is not None
        content = certain[1]
        if not content:
            return
        self._held = self._held[len(content) :]
        self._text(events, content)

    def _before_marker(self) -> str:
        for length in range(min(len(CALL_START) - 1, len(self._held)), 0, -1):
            if CALL_START.startswith(self._held[-length:]):
                return self._held[:-length]
        return self._held

    def _text(self, events: list[ToolEvent], content: str) -> None:
        shown = content.lstrip("\n") if self._after_call else content
        self._queue.drop(len(content) - len(shown))
        if shown:
            self._after_call = False
            events.append(PlainText(shown, self._tokens, self._queue.take(len(shown))))
            self._tokens = 0

    def _inside_call(self, events: list[ToolEvent]) -> bool:
        end = self._held.find(CALL_END)
        body = self._held if end < 0 else self._held[:end]
        self._pass_on(events, body, complete=end >= 0)
        if end < 0:
            return False
        self._queue.drop(end + len(CALL_END))
        self._held = self._held[end + len(CALL_END) :]
        self._inside, self._after_call, self._tokens = False, True, 0
        raw = CALL_START + body + CALL_END
        call = _parsed(body)
        if call is None or call[0] not in self._names:
            events.append(CallFailed(raw))
        else:
            events.append(CallEnded(call[0], call[1], raw))
        return True

    def _pass_on(self, events: list[ToolEvent], body: str, *, complete: bool) -> None:
        """Pass on the name once it is complete, and the arguments as they grow."""
        named = NAME.match(body)
        if named is None:
            return
        if not self._named:
            self._named = True
            events.append(CallNamed(json.loads(named[1])))
        arguments = ARGUMENTS.match(body, named.end())
        if arguments is None:
            return
        begin = max(self._passed, arguments.end())
        # The last brace closes the call, not the arguments; the end marker may have begun.
        stop = body.rstrip().removesuffix("}") if complete else body[: -len(CALL_END)]
        if len(stop) > begin:
            events.append(CallArguments(stop[begin:]))
            self._passed = len(stop)


def _parsed(body: str) -> tuple[str, dict[str, Any]] | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    match value:
        case {"name": str(name), "arguments": dict(arguments)}:
            return name, arguments
        case {"name": str(name)} if "arguments" not in value:
            return name, {}
    return None
