"""The evaluation's conversations: seeded, with wordings and names that training never saw."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from . import evaluation_form, evaluation_greeting, evaluation_recall, evaluation_repeat
from .evaluation_draws import ChatCase, Draw

__all__ = ["KINDS", "ChatCase", "cases"]

_PARTS: Mapping[str, Mapping[Callable[[Draw], ChatCase], int]] = {
    "repeat": evaluation_repeat.PARTS,
    "recall": evaluation_recall.PARTS,
    "form": evaluation_form.PARTS,
    "greeting": evaluation_greeting.PARTS,
}
KINDS = tuple(_PARTS)


def cases(count: int, seed: str, kinds: Sequence[str] = KINDS) -> list[ChatCase]:
    """Return ``count`` different cases of each kind, kinds and their parts in turn.

    A smaller count gives the first cases of a larger one, kind by kind.
    """
    chosen = {kind: _of_kind(kind, count, seed) for kind in kinds}
    return [chosen[kind][number] for number in range(count) for kind in kinds]


def _of_kind(kind: str, count: int, seed: str) -> list[ChatCase]:
    rng = random.Random(f"chat-{seed}-{kind}")  # noqa: S311  # a seed, no secret
    draw, found, seen = Draw(rng), list[ChatCase](), set[str]()
    round_of_parts = [part for part, weight in _PARTS[kind].items() for _ in range(weight)]
    waiting: list[Callable[[Draw], ChatCase]] = []
    while len(found) < count:
        if not waiting:
            waiting = rng.sample(round_of_parts, len(round_of_parts))
        made = waiting[-1](draw)
        if repr(made.messages()) in seen:
            continue
        waiting.pop()
        seen.add(repr(made.messages()))
        found.append(made)
    return found
