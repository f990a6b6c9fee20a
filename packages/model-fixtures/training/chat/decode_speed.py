"""The decode speed of one model, relative to that of another, in llama.cpp in this process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from model_fixtures.tool_format import Message, chatml

TOKENS = 96  # of an answer: neither model may end it earlier


class Completer(Protocol):
    """Completes prompts, as ``GreedyCompleter`` does."""

    def raw(self, prompt: str, limit: int, grammar: str | None = None, **more: Any) -> Any:
        """Return llama.cpp's response to a completion, as JSON data."""


def speed_ratio(
    model: Completer, base: Completer, conversations: Iterable[Sequence[Message]]
) -> float:
    """Return the model's tokens per second, divided by those of ``base``.

    Both continue the same conversations in turns, so that other work on the machine slows both.
    """
    seconds = [0.0, 0.0]
    for messages in conversations:
        for number, completer in enumerate((model, base)):
            timings = completer.raw(chatml(messages), TOKENS, ignore_eos=True, cache_prompt=False)[
                "timings"
            ]
            # The first token comes with the prompt.
            seconds[number] += timings["predicted_ms"] / (timings["predicted_n"] - 1)
    return seconds[1] / seconds[0]
