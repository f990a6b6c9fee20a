"""The decode speed of two models, with scripted times."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.tool_format import Message, chatml
from training.chat.decode_speed import TOKENS, speed_ratio


class Scripted:
    """Takes the same time for each token after the first."""

    def __init__(self, milliseconds: float) -> None:
        self.prompts: list[str] = []
        self._milliseconds = milliseconds

    def raw(self, prompt: str, limit: int, grammar: str | None = None, **more: Any) -> Any:
        """Return the times of a completion that does not end early."""
        assert (limit, more) == (TOKENS, {"ignore_eos": True, "cache_prompt": False})
        self.prompts.append(prompt)
        time = self._milliseconds * (limit - 1)
        return {"timings": {"predicted_n": limit, "predicted_ms": time}}


def test_ratio_of_tokens_per_second() -> None:
    """A model that takes half the time for a token has twice the speed, on the same prompts."""
    fast, slow = Scripted(4), Scripted(8)
    chats = [[Message("user", "Hi")], [Message("user", "Bye")]]
    assert speed_ratio(fast, slow, chats) == pytest.approx(2)
    assert fast.prompts == slow.prompts == [chatml(chat) for chat in chats]
