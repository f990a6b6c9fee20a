"""Batches of both kinds of training data, with a tokenizer of one token for each word."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

import pytest
from model_fixtures.tool_format import Message
from training.chat.chat_batches import ChatBatchSource
from training.tool_use.packed_batches import BatchSource, PackedBatch, add_messages, draw_batch
from training.tool_use.tool_batches import ToolBatchSource

if TYPE_CHECKING:
    from training.tool_use.gguf_tokenizer import Tokenizer

START, END = 1, 2


class Words:
    """A tokenizer with one token for each word, the code of its first letter."""

    def encode(self, text: str) -> list[int]:
        """Return the code of the first letter of each word."""
        return [ord(word[0]) for word in text.split()]

    def header(self, role: str) -> list[int]:
        """Return the tokens that open a message."""
        return [START, ord(role[0])]

    def closing(self) -> list[int]:
        """Return the tokens that end a message."""
        return [END, ord("|")]


WORDS = cast("Tokenizer", Words())
ANSWERS = {"Why rain?": "Clouds are wet.", "Why snow?": "Clouds are cold."}
SOURCES: list[BatchSource] = [ToolBatchSource(ANSWERS), ChatBatchSource(ANSWERS)]


def draw(source: BatchSource, limit: int, seed: int) -> PackedBatch:
    """Return a batch of at most ``limit`` tokens."""
    rng = random.Random(seed)  # noqa: S311  # a seed, no secret
    return draw_batch(source, WORDS, rng, limit)


@pytest.mark.parametrize("source", SOURCES, ids=["tools", "chat"])
@pytest.mark.parametrize("limit", [301, 512, 1024])
def test_batches_have_targets(source: BatchSource, limit: int) -> None:
    """Every batch has at least one conversation, and each target follows its token."""
    for seed in range(20):
        batch = draw(source, limit, seed)
        assert batch.conversations
        assert batch.targets == [batch.ids[place + 1] for place in batch.wanted]


@pytest.mark.parametrize("source", SOURCES, ids=["tools", "chat"])
def test_a_seed_gives_the_same_batch(source: BatchSource) -> None:
    """The same random numbers give the same batch."""
    assert draw(source, 600, 3) == draw(source, 600, 3)
    assert draw(source, 600, 3) != draw(source, 600, 4)


def test_batch_without_room_is_refused() -> None:
    """A limit that leaves no room for a conversation is an error, no endless search."""
    with pytest.raises(ValueError, match="more than 300 tokens, not 300"):
        draw(SOURCES[1], 300, 1)


class Seldom:
    """Adds a conversation only to its third batch, as if none had fitted into the others."""

    def __init__(self) -> None:
        self.batches: list[PackedBatch] = []

    def add_tree(
        self, batch: PackedBatch, tokenizer: Tokenizer, rng: random.Random, limit: int
    ) -> None:
        """Fill the batch with a system prompt."""
        prefix = batch.add_prefix([7] * limit)
        self.batches.append(batch)
        if len(self.batches) == 3:
            batch.add_conversation([8, 9], [0], prefix)


def test_batch_without_conversations_is_drawn_again() -> None:
    """A batch in which no conversation fitted has no targets, so another one is drawn."""
    source = Seldom()
    assert draw(source, 400, 1) is source.batches[2]


def test_targets_are_what_the_assistant_writes() -> None:
    """Targets are the words of the learnt message and its end token, without the line break."""
    batch = PackedBatch()
    prefix = batch.add_prefix([3, 3, 3])
    messages = [Message("user", "x y"), Message("assistant", "a b")]
    assert add_messages(batch, WORDS, messages, {1}, prefix, 100)
    assert batch.targets == [ord("a"), ord("b"), END]
    assert batch.positions == list(range(len(batch.ids)))
    assert not add_messages(batch, WORDS, messages, {1}, prefix, len(batch.ids) + 11)
    assert add_messages(batch, WORDS, messages, {1}, prefix, len(batch.ids) + 12)
    assert batch.conversations == 2


def test_messages_count_by_the_root_of_their_length() -> None:
    """A message of nine tokens, its end included, counts three times one of a single token."""
    batch = PackedBatch()
    messages = [Message("assistant", ""), Message("assistant", "a b c d e f g h")]
    prefix = batch.add_prefix([3])
    assert add_messages(batch, WORDS, messages, {0, 1}, prefix, 100, even=True)
    assert sum(batch.weights[:1]) == pytest.approx(1)
    assert sum(batch.weights[1:]) == pytest.approx(3)
    assert len(batch.weights) == len(batch.targets)
