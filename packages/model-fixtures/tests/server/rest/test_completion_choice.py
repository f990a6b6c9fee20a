"""The events of a prediction as a text completion, whole and in pieces."""

from __future__ import annotations

from model_fixtures.server.engine.generation import TokenProbability
from model_fixtures.server.prediction.reasoning_splitter import Piece
from model_fixtures.server.prediction.statistics import Tally
from model_fixtures.server.prediction.tool_call_splitter import CallStarted
from model_fixtures.server.rest.completion_choice import CompletionChoice

from ..made_predictions import prediction  # noqa: TID252 (tests are no importable package)

END = Tally().statistics("contextLengthReached")


def test_text() -> None:
    """The pieces make up the text; only the last one tells why it ended."""
    choice = CompletionChoice(prediction(), 3)
    parts = [*choice.parts(Piece("a", 1, "none")), *choice.parts(Piece("b", 1, "none"))]
    parts += [*choice.parts(CallStarted()), *choice.end(END)]
    assert [part["text"] for part in parts] == ["a", "b", ""]
    assert [part["finish_reason"] for part in parts] == [None, None, "length"]
    assert choice.whole() == {
        "index": 3,
        "text": "ab",
        "logprobs": None,
        "finish_reason": "length",
    }


def test_probabilities() -> None:
    """Each list has one entry for each token; the chosen one is among the likeliest."""
    fields = {"llm.prediction.logProbs": {"checked": True, "value": 1}}
    choice = CompletionChoice(prediction(fields), 0)
    first = TokenProbability("ab", 7, -0.5, [("c", -0.25)])
    second = TokenProbability("d", 8, -0.125, [("d", -0.125)])
    (one,) = choice.parts(Piece("ab", 1, "none", [first]))
    (two,) = choice.parts(Piece("d", 1, "none", [second]))
    assert one["logprobs"]["top_logprobs"] == [{"c": -0.25, "ab": -0.5}]
    assert two["logprobs"]["text_offset"] == [2]
    assert choice.whole()["logprobs"] == {
        "tokens": ["ab", "d"],
        "token_logprobs": [-0.5, -0.125],
        "top_logprobs": [{"c": -0.25, "ab": -0.5}, {"d": -0.125}],
        "text_offset": [0, 2],
    }


def test_chosen_tokens_alone() -> None:
    """Without likely tokens there is no list of them."""
    fields = {"llm.prediction.logProbs": {"checked": True, "value": 0}}
    choice = CompletionChoice(prediction(fields), 0)
    choice.parts(Piece("a", 1, "none", [TokenProbability("a", 7, -0.5, [])]))
    assert choice.whole()["logprobs"]["tokens"] == ["a"]
    assert choice.whole()["logprobs"]["top_logprobs"] is None
