"""The events of a prediction as OpenAI's messages, whole and in pieces."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.server.engine.generation import TokenProbability
from model_fixtures.server.prediction.output_splitter import OutputEvent
from model_fixtures.server.prediction.reasoning_splitter import Piece
from model_fixtures.server.prediction.statistics import Tally
from model_fixtures.server.prediction.tool_call_splitter import (
    CallArguments,
    CallEnded,
    CallFailed,
    CallNamed,
    CallStarted,
)
from model_fixtures.server.rest.chat_choice import ChatChoice

from ..made_predictions import prediction  # noqa: TID252 (tests are no importable package)

RAW = '[TOOL_REQUEST]{"name": "x"}[END_TOOL_REQUEST]'


def told(
    *events: OutputEvent, reason: str = "eosFound", fields: dict[str, Any] | None = None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the choices of a stream, and that of a whole answer."""
    choice = ChatChoice(prediction(fields, tools=["add"]))
    parts = [part for event in events for part in choice.parts(event)]
    parts += choice.end(Tally().statistics(reason))
    return parts, choice.whole()


def deltas(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the deltas of a stream; only the last choice tells why it ended."""
    assert [part["finish_reason"] for part in parts[:-1]] == [None] * (len(parts) - 1)
    assert parts[-1]["finish_reason"] is not None
    return [part["delta"] for part in parts]


def test_text() -> None:
    """The first delta has the role; the pieces make up the content."""
    parts, whole = told(Piece("Hi", 1, "none"), Piece("!", 1, "none"))
    assert deltas(parts) == [{"role": "assistant", "content": "Hi"}, {"content": "!"}, {}]
    assert whole["message"] == {"role": "assistant", "content": "Hi!"}
    assert whole["logprobs"] is None


def test_no_text_at_all() -> None:
    """An answer without a token has an empty text, never null, and still its role."""
    parts, whole = told()
    assert deltas(parts) == [{"role": "assistant", "content": ""}, {}]
    assert whole["message"] == {"role": "assistant", "content": ""}


def test_reasoning() -> None:
    """Reasoning has a place of its own; its tags are left out."""
    parts, whole = told(
        Piece("<think>", 1, "reasoningStartTag"),
        Piece("Hm", 1, "reasoning"),
        Piece("</think>", 1, "reasoningEndTag"),
        Piece("Yes", 1, "none"),
    )
    assert deltas(parts)[:2] == [
        {"role": "assistant", "reasoning_content": "Hm"},
        {"content": "Yes"},
    ]
    assert whole["message"]["reasoning_content"] == "Hm"
    assert whole["message"]["content"] == "Yes"


def test_text_and_calls() -> None:
    """A call after text has its id and name first, then pieces of its arguments."""
    parts, whole = told(
        Piece("Well", 1, "none"),
        CallStarted(),
        CallNamed("add"),
        CallArguments('{"a"'),
        CallArguments(": 1}"),
        CallEnded("add", {"a": 1}, "..."),
        CallStarted(),
        CallNamed("add"),
        CallEnded("add", {}, "..."),
    )
    _, first, one, two, second, empty, _ = deltas(parts)
    assert first["tool_calls"][0]["index"] == 0
    assert first["tool_calls"][0]["function"] == {"name": "add", "arguments": ""}
    assert one == {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]}
    assert two == {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}
    assert second["tool_calls"][0]["index"] == 1
    assert empty == {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]}
    calls = whole["message"]["tool_calls"]
    assert [call["function"]["arguments"] for call in calls] == ['{"a": 1}', "{}"]
    assert [call["id"] for call in calls] == [
        delta["tool_calls"][0]["id"] for delta in (first, second)
    ]
    assert whole["message"]["content"] == "Well"
    assert whole["finish_reason"] == parts[-1]["finish_reason"] == "tool_calls"


def test_calls_without_text_have_no_content() -> None:
    """The content beside calls is null."""
    parts, whole = told(CallStarted(), CallNamed("add"), CallEnded("add", {}, "..."))
    assert deltas(parts)[0]["content"] is None
    assert whole["message"]["content"] is None


def test_call_of_a_tool_that_was_not_offered() -> None:
    """A call that no offered tool meets is text."""
    parts, whole = told(CallStarted(), CallNamed("x"), CallArguments("{"), CallFailed(RAW))
    assert deltas(parts) == [{"role": "assistant", "content": RAW}, {}]
    assert "tool_calls" not in whole["message"]
    assert whole["finish_reason"] == "stop"


def test_call_that_is_cut_off() -> None:
    """A call that the limit cuts off stays as it is, and the reason is the limit."""
    _, whole = told(
        CallStarted(),
        CallNamed("add"),
        CallArguments('{"a'),
        CallFailed("..."),
        reason="maxPredictedTokensReached",
    )
    assert whole["message"]["tool_calls"][0]["function"]["arguments"] == '{"a'
    assert whole["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("eosFound", "stop"),
        ("stopStringFound", "stop"),
        ("maxPredictedTokensReached", "length"),
        ("contextLengthReached", "length"),
    ],
)
def test_reasons(reason: str, finish: str) -> None:
    """The server's reasons for an end become OpenAI's."""
    assert told(Piece("Hi", 1, "none"), reason=reason)[1]["finish_reason"] == finish


def test_probabilities() -> None:
    """The tokens of the text are told with their bytes; those of reasoning are not."""
    fields = {"llm.prediction.logProbs": {"checked": True, "value": 1}}
    token = TokenProbability("ü", 7, -0.5, [("u", -0.25)])
    parts, whole = told(
        Piece("Hm", 1, "reasoning", [token]), Piece("ü", 1, "none", [token]), fields=fields
    )
    entry = {
        "token": "ü",
        "logprob": -0.5,
        "bytes": [195, 188],
        "top_logprobs": [{"token": "u", "logprob": -0.25, "bytes": [117]}],
    }
    assert [part["logprobs"] for part in parts] == [
        None,
        {"content": [entry], "refusal": None},
        None,
    ]
    assert whole["logprobs"] == {"content": [entry], "refusal": None}
