"""What happens to a prompt that does not fit the context."""

from __future__ import annotations

from collections.abc import Sequence

from model_fixtures.server.protocol.errors import ServerError

# Part of the context that a shortened prompt leaves to the answer.
ROOM = 4


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many tokens two prompts have in common from the start."""
    length = 0
    for left, right in zip(first, second):  # noqa: B905 (strict= would refuse other lengths)
        if left != right:
            break
        length += 1
    return length


def fit_prompt(tokens: list[int], context: int, head: int, policy: str) -> list[int]:
    """Return the prompt, shortened by the policy where it must be.

    Args:
        tokens: the whole prompt.
        context: the size of the context in tokens.
        head: how many tokens at the start `truncateMiddle` keeps (system prompt and first user
            message); at most half of the context is kept.
        policy: `stopAtLimit`, `truncateMiddle` or `rollingWindow`.

    Raises:
        ServerError: the prompt doesn't fit and the policy is to stop.
    """
    if len(tokens) < context:
        return tokens
    if policy == "stopAtLimit":
        raise ServerError(
            f"The prompt of {len(tokens)} tokens does not fit the context of {context} tokens",
            suggestion="Shorten it, load the model with a larger context, or choose another "
            "contextOverflowPolicy",
        )
    room = context - max(1, context // ROOM)
    kept = min(head, context // 2) if policy == "truncateMiddle" else 0
    return tokens[:kept] + tokens[len(tokens) - (room - kept) :]
