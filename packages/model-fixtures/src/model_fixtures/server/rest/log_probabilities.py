"""The probabilities of tokens in OpenAI's shapes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from model_fixtures.server.engine.generation import TokenProbability


def chat_entries(tokens: Iterable[TokenProbability]) -> list[dict[str, Any]]:
    """Return the entries of `logprobs.content`."""
    return [
        {
            **_entry(token.text, token.logprob),
            "top_logprobs": [_entry(text, logprob) for text, logprob in token.top],
        }
        for token in tokens
    ]


def _entry(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode(errors="replace"))}


def completion_lists(
    tokens: Iterable[TokenProbability], *, offset: int, most: int
) -> dict[str, Any]:
    """Return the lists of a text completion's `logprobs`, one entry for each token.

    Args:
        tokens: the tokens of a stretch of text.
        offset: where the stretch begins, in characters of the whole text.
        most: how many likely tokens were asked for.
    """
    lists: dict[str, Any] = {
        "tokens": [],
        "token_logprobs": [],
        "top_logprobs": [] if most else None,
        "text_offset": [],
    }
    for token in tokens:
        lists["tokens"].append(token.text)
        lists["token_logprobs"].append(token.logprob)
        if most:
            # The chosen token is always among them, as with OpenAI.
            lists["top_logprobs"].append({**dict(token.top), token.text: token.logprob})
        lists["text_offset"].append(offset)
        offset += len(token.text)
    return lists
