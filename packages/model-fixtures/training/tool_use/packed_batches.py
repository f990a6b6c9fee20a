"""Training batches: conversations that share a system prompt share its tokens, without padding."""

from __future__ import annotations

import random
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from model_fixtures.tool_format import Message, turns

from .gguf_tokenizer import Tokenizer

SMALLEST_BATCH = 300  # tokens; a batch with fewer left is full: few conversations would fit
_TREE = 700  # tokens of a system prompt with its conversations, at most


@dataclass
class PackedBatch:
    """Token ids of a batch; each of ``spans`` is (start, end, prefix start, prefix end)."""

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    spans: list[tuple[int, int, int, int]] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)  # the token before each target
    targets: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)  # of the targets in the loss
    conversations: int = 0
    texts: int = 0  # tokens at the end of ``ids`` that belong to plain texts, without targets

    def add_prefix(self, ids: list[int]) -> tuple[int, int]:
        """Add the tokens of a system prompt, and return their start and end."""
        start = len(self.ids)
        self.ids += ids
        self.positions += range(len(ids))
        self.spans.append((start, start + len(ids), start, start))
        return start, start + len(ids)

    def add_conversation(
        self,
        ids: list[int],
        wanted: list[int],
        prefix: tuple[int, int],
        weights: list[float] | None = None,
    ) -> None:
        """Add the tokens of a conversation that follows the system prompt at ``prefix``.

        ``wanted`` are the indices in ``ids`` of the tokens before the targets. ``weights`` are the
        weights of the targets, by default 1 each.
        """
        start, before = len(self.ids), prefix[1] - prefix[0]
        self.ids += ids
        self.positions += range(before, before + len(ids))
        self.spans.append((start, start + len(ids), *prefix))
        self.wanted += [start + place for place in wanted]
        self.targets += [ids[place + 1] for place in wanted]
        self.weights += weights or [1.0] * len(wanted)
        self.conversations += 1

    def add_text(self, ids: list[int]) -> None:
        """Add the tokens of a plain text; no conversation may follow."""
        self.add_prefix(ids)
        self.texts += len(ids)


class BatchSource(Protocol):
    """What a model is to learn; adds conversations to batches."""

    def add_tree(
        self, batch: PackedBatch, tokenizer: Tokenizer, rng: random.Random, limit: int
    ) -> None:
        """Add a system prompt, and conversations that follow it and fit into ``limit`` tokens.

        ``limit`` counts all tokens of the batch.
        """


def draw_batch(
    source: BatchSource, tokenizer: Tokenizer, rng: random.Random, limit: int = 2048
) -> PackedBatch:
    """Return a batch of at most about ``limit`` tokens, with at least one conversation.

    Raises:
        ValueError: the limit is too small for a batch.
    """
    if limit <= SMALLEST_BATCH:
        raise ValueError(f"a batch needs more than {SMALLEST_BATCH} tokens, not {limit}")
    batch = PackedBatch()
    while not batch.conversations:  # no conversation may have fitted into a small batch
        batch = PackedBatch()
        while len(batch.ids) < limit - SMALLEST_BATCH:
            source.add_tree(batch, tokenizer, rng, min(len(batch.ids) + _TREE, limit))
    return batch


def system_tokens(
    tokenizer: Tokenizer, own: Iterable[Message], tools: Iterable[Mapping[str, Any]] = ()
) -> list[int]:
    """Return the token ids of the system prompt for these system messages and tools."""
    (_, text), *_ = turns(own, tools)
    return [*tokenizer.header("system"), *tokenizer.encode(text), *tokenizer.closing()]


def add_messages(
    batch: PackedBatch,
    tokenizer: Tokenizer,
    messages: Iterable[Message],
    learnt: Container[int],
    prefix: tuple[int, int],
    limit: int,
    *,
    even: bool = False,
) -> bool:
    """Add a conversation that follows the system prompt at ``prefix``.

    The targets are the tokens of the messages whose indices are in ``learnt``. All count alike, or,
    with ``even``, a message counts only by the root of its length, so that one long message does
    not outweigh many short ones.

    Returns:
        Whether the conversation was added: it is not if the batch would exceed ``limit`` tokens.
    """
    ids: list[int] = []
    wanted: list[int] = []
    weights: list[float] = []
    for index, (role, text) in enumerate(turns(messages)[1:]):
        ids += tokenizer.header(role)
        body = [*tokenizer.encode(text), *tokenizer.closing()]
        if index in learnt:
            targets = range(len(ids) - 1, len(ids) + len(body) - 2)
            wanted += targets
            weights += [len(targets) ** -0.5 if even else 1.0] * len(targets)
        ids += body
    if len(batch.ids) + len(ids) > limit:
        return False
    batch.add_conversation(ids, wanted, prefix, weights)
    return True
