"""How fast the tool-use model decodes against the plain one."""

from __future__ import annotations

from collections.abc import Iterable

from .evaluation_cases import ConversationCase
from .sdk_assistant import SdkAssistant

TOKENS = 96  # of an answer: the plain model would ramble on


def ratio(tool_model: SdkAssistant, plain: SdkAssistant, cases: Iterable[ConversationCase]) -> float:
    """Return the quotient of both models' tokens a second over all answers.

    Both get the same prompts with the same tools, one after the other, so that whatever else the
    machine does slows both down. The server's own clock counts. It starts with the first token,
    which llama.cpp counts all the same: left out here, or short answers would seem fast.
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
