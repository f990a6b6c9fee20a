"""The decode speed of the tool-use model, relative to that of the plain model."""

from __future__ import annotations

from collections.abc import Iterable

from .evaluation_cases import ConversationCase
from .sdk_assistant import SdkAssistant

TOKENS = 96  # at most in an answer: the plain model would go on and on


def speed_ratio(
    tool_model: SdkAssistant, plain: SdkAssistant, cases: Iterable[ConversationCase]
) -> float:
    """Return the tool-use model's tokens per second, divided by the plain model's.

    Both models get the same prompts with the same tools, in turns, so that other work on the
    machine slows both. The times are the server's. They start at the first token, although
    llama.cpp counts that token; it is subtracted here, or short answers would seem fast.
    """
    tokens = [0, 0]
    seconds = [0.0, 0.0]
    for case in cases:
        tools = [tool.definition() for tool in case.tools]
        for number, say in enumerate((tool_model, plain)):
            say(case.expected.messages()[:1], tools)
            count, rate = say.stats.predicted_tokens_count, say.stats.tokens_per_second
            if count and count > 1 and rate:
                tokens[number] += int(count) - 1
                seconds[number] += count / rate
    ours, base = (count / time for count, time in zip(tokens, seconds, strict=True))
    return ours / base
