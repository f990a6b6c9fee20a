"""Log probabilities of the tokens, in the form that newer clients expect."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Any

import pytest
from model_fixtures.wire_client import Connection

from .talking import MODEL, loaded, predict, stack, text_of

pytestmark = pytest.mark.anyio
TOKENS = 12


@pytest.fixture(scope="module")
async def identifier(llm: Connection) -> AsyncIterator[str]:
    """Provide a loaded instance."""
    async with loaded(llm) as name:
        yield name


async def packets_of(
    llm: Connection, identifier: str, log_probs: int | None, **more: Any
) -> list[dict[str, Any]]:
    """Return the packets of a greedy prediction."""
    fields: dict[str, Any] = {
        "maxPredictedTokens": {"checked": True, "value": TOKENS},
        "temperature": 0,
        "repeatPenalty": {"checked": False, "value": 1.0},
        "logProbs": {"checked": log_probs is not None, "value": log_probs or 0},
        **more,
    }
    config = stack(**{f"llm__prediction__{key}": value for key, value in fields.items()})
    packets: list[dict[str, Any]] = await predict(llm, "Tell me a story.", config, identifier)
    return packets


def tokens_of(packets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tokens of all fragments."""
    return [
        token for one in packets if "fragment" in one for token in one["fragment"].get("tokens", [])
    ]


@pytest.mark.difference("log-probabilities")
async def test_likely_tokens(llm: Connection, identifier: str) -> None:
    """Each token has its text, id and probability, and the likeliest candidates."""
    packets = await packets_of(llm, identifier, 3)
    tokens = tokens_of(packets)
    assert "".join(token["text"] for token in tokens) == text_of(packets)
    assert len(tokens) == packets[-1]["stats"]["predictedTokensCount"] == TOKENS
    for token in tokens:
        assert set(token) == {"text", "id", "logProb", "candidates"}
        assert [set(each) for each in token["candidates"]] == [{"text", "id", "logProb"}] * 3
        assert {key: token[key] for key in ("text", "id", "logProb")} in token["candidates"]
        listed = [each["logProb"] for each in token["candidates"]]
        assert listed == sorted(listed, reverse=True)
        assert 0 < sum(map(math.exp, listed)) < 1.001
        assert token["logProb"] == listed[0]  # greedy
    counts = [one["fragment"]["tokensCount"] for one in packets if "fragment" in one]
    assert counts == [len(one["fragment"]["tokens"]) for one in packets if "fragment" in one]
    applied = {f["key"]: f["value"] for f in packets[-1]["predictionConfig"]["fields"]}
    assert applied["llm.prediction.logProbs"] == {"checked": True, "value": 3}


async def test_only_the_chosen_token(llm: Connection, identifier: str) -> None:
    """0 asks for the probability of the token alone; it changes nothing in the text."""
    packets = await packets_of(llm, identifier, 0)
    assert [set(token) for token in tokens_of(packets)] == [{"text", "id", "logProb"}] * TOKENS
    plain = await packets_of(llm, identifier, None)
    assert text_of(packets) == text_of(plain)
    assert all("tokens" not in one["fragment"] for one in plain if "fragment" in one)


async def test_chosen_token_is_always_a_candidate(llm: Connection, identifier: str) -> None:
    """A token that is not among the likeliest is named after them."""
    grammar = {"type": "gbnf", "gbnfGrammar": 'root ::= "zebra crossing"'}
    packets = await packets_of(llm, identifier, 1, structured=grammar)
    assert text_of(packets) == "zebra crossing"
    tokens = tokens_of(packets)
    assert any(len(token["candidates"]) == 2 for token in tokens)
    for token in tokens:
        assert token["id"] in [each["id"] for each in token["candidates"]]


@pytest.mark.difference("log-probabilities")
async def test_text_held_back_for_a_stop_string(llm: Connection, identifier: str) -> None:
    """Tokens that might have begun a stop string keep their own texts; those of one do not come."""
    plain = await packets_of(llm, identifier, 1)
    words = [token["text"] for token in tokens_of(plain)]
    almost = words[2] + words[3] + "\0"
    packets = await packets_of(llm, identifier, 1, stopStrings=[almost])
    assert tokens_of(packets) == tokens_of(plain)
    packets = await packets_of(llm, identifier, 1, stopStrings=[words[4] + words[5]])
    assert packets[-1]["stats"]["stopReason"] == "stopStringFound"
    assert tokens_of(packets) == tokens_of(plain)[:4]


@pytest.mark.difference("log-probabilities")
async def test_character_of_several_tokens(llm: Connection, identifier: str) -> None:
    """It has one token with its whole text."""
    grammar = {"type": "gbnf", "gbnfGrammar": 'root ::= "a🦄b"'}
    packets = await packets_of(llm, identifier, 0, structured=grammar)
    assert text_of(packets) == "a🦄b"
    assert [token["text"] for token in tokens_of(packets)] == ["a", "🦄", "b"]


@pytest.mark.difference("log-probabilities")
async def test_draft_model_is_not_used(llm: Connection, identifier: str) -> None:
    """llama.cpp tells no probabilities of drafted tokens, so that nothing is drafted."""
    draft = {"speculativeDecoding__draftModel": MODEL}
    packets = await packets_of(llm, identifier, 1, **draft)
    assert tokens_of(packets) == tokens_of(await packets_of(llm, identifier, 1))
    assert packets[-1]["stats"]["totalDraftTokensCount"] == 0
    assert {one["fragment"]["containsDrafted"] for one in packets if "fragment" in one} == {False}
