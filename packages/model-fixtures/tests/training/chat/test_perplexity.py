"""Perplexity from forced tokens, with a scripted llama.cpp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from training.chat.perplexity import log_probabilities, passages, perplexity, ratio


class Forced:
    """Generates the token with the highest bias, each with a probability of a half."""

    def __init__(self, obedient: bool = True) -> None:
        self.prompts: list[list[int]] = []
        self._obedient = obedient

    def raw(
        self, prompt: Sequence[int], limit: int, grammar: str | None = None, **more: Any
    ) -> Any:
        """Return a response like that of llama.cpp's server."""
        self.prompts.append(list(prompt))
        token = more["logit_bias"][0][0] if self._obedient else 0
        return {"completion_probabilities": [{"id": token, "logprob": math.log(0.5)}]}


def test_every_token_is_forced_after_those_before_it() -> None:
    """Each token has the probability that it has after the separator and all tokens before it."""
    forced = Forced()
    logs = log_probabilities(forced, [7, 8, 9])
    assert forced.prompts == [[0], [0, 7], [0, 7, 8]]
    assert perplexity(logs) == pytest.approx(2)


def test_another_token_than_the_forced_one_is_an_error() -> None:
    """A probability of some other token is never taken for the text's."""
    with pytest.raises(RuntimeError, match="generated token 0 where 7 was forced"):
        log_probabilities(Forced(obedient=False), [7, 8])


def test_ratio_of_perplexities_with_its_interval() -> None:
    """The ratio is that of the perplexities; without any spread the interval is a point."""
    ours, base = [math.log(0.25)] * 4, [math.log(0.5)] * 4
    assert ratio(ours, base) == pytest.approx((2, 2, 2))
    middle, low, high = ratio([-1.0, -2.0, -3.0], [-1.0, -1.0, -3.0])
    assert low < middle < high
    assert middle == pytest.approx(perplexity([-1.0, -2.0, -3.0]) / perplexity([-1.0, -1.0, -3.0]))


def test_the_text_is_long_and_varied() -> None:
    """The text has some 4,000 words in passages that each fit into the context."""
    texts = passages()
    assert 3500 < sum(len(text.split()) for text in texts) < 4500
    assert len(set(texts)) == len(texts) >= 20
    assert all(100 < len(text.split()) < 300 for text in texts)
