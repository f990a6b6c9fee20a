"""Prompts that don't fit the context."""

from __future__ import annotations

import pytest
from model_fixtures.server.engine.errors import TooManyTokensError
from model_fixtures.server.engine.generation import fit_prompt

TOKENS = list(range(100))


@pytest.mark.parametrize("policy", ["stopAtLimit", "truncateMiddle", "rollingWindow"])
def test_prompt_that_fits_stays_whole(policy: str) -> None:
    """A prompt that leaves room for a token is not touched, whatever the policy."""
    assert fit_prompt(TOKENS, 101, 10, policy) == TOKENS


def test_stop_at_limit_refuses() -> None:
    """With `stopAtLimit` a prompt that doesn't fit is an error that names both sizes."""
    with pytest.raises(
        TooManyTokensError, match="100 tokens does not fit the context of 100 tokens"
    ):
        fit_prompt(TOKENS, 100, 10, "stopAtLimit")


def test_rolling_window_keeps_the_tail() -> None:
    """With `rollingWindow` the end of the prompt stays, and a quarter of the context is free."""
    assert fit_prompt(TOKENS, 40, 10, "rollingWindow") == TOKENS[70:]


def test_truncate_middle_keeps_head_and_tail() -> None:
    """With `truncateMiddle` the head stays and the middle goes."""
    assert fit_prompt(TOKENS, 40, 10, "truncateMiddle") == TOKENS[:10] + TOKENS[80:]


def test_long_head_takes_half_at_most() -> None:
    """A head longer than half of the context leaves the other half to the tail."""
    shortened = fit_prompt(TOKENS, 40, 90, "truncateMiddle")
    assert shortened == TOKENS[:20] + TOKENS[90:]
