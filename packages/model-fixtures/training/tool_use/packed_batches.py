"""Training batches: conversations that share a system prompt share its tokens, without padding."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from model_fixtures.tool_format import Message, turns

from .conversation_source import ConversationSource
from .gguf_tokenizer import Tokenizer

_SYSTEMS = (
    "You are a helpful assistant.",
    "You are a helpful AI assistant.",
    "You are a task focused AI assistant",
    "You help people with small tasks.",
    "Answer briefly.",
    "You are a friendly robot who helps with everyday tasks.",
)


@dataclass
class PackedBatch:
    """Token ids of a batch; each of ``spans`` is (start, end, prefix start, prefix end)."""

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    spans: list[tuple[int, int, int, int]] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)  # the token before each target
    targets: list[int] = field(default_factory=list)
    conversations: int = 0

    def add_prefix(self, ids: list[int]) -> tuple[int, int]:
        """Add the tokens of a system prompt, and return their start and end."""
        start = len(self.ids)
        self.ids += ids
        self.positions += range(len(ids))
        self.spans.append((start, start + len(ids), start, start))
        return start, start + len(ids)

    def add_conversation(self, ids: list[int], wanted: list[int], prefix: tuple[int, int]) -> None:
        """Add the tokens of a conversation that follows the system prompt at ``prefix``.

        ``wanted`` are the indices in ``ids`` of the tokens before the targets.
        """
        start, before = len(self.ids), prefix[1] - prefix[0]
        self.ids += ids
        self.positions += range(before, before + len(ids))
        self.spans.append((start, start + len(ids), *prefix))
        self.wanted += [start + place for place in wanted]
        self.targets += [ids[place + 1] for place in wanted]
        self.conversations += 1


def draw_batch(
    source: ConversationSource, tokenizer: Tokenizer, rng: random.Random, limit: int = 2048
) -> PackedBatch:
    """Return a batch of at most about ``limit`` tokens."""
    batch = PackedBatch()
    while len(batch.ids) < limit - 300:
        _add_tree(batch, source, tokenizer, rng, min(len(batch.ids) + 700, limit))
    return batch


def _add_tree(
    batch: PackedBatch,
    source: ConversationSource,
    tokenizer: Tokenizer,
    rng: random.Random,
    limit: int,
) -> None:
    """Add a system prompt and up to five conversations that follow it."""
    bare = rng.random() < 0.07  # as in the last allowed round: results, but no more tools
    tools = source.tools(rng)
    own = [Message("system", rng.choice(_SYSTEMS))] if rng.random() < 0.25 else []
    offered = [] if bare else [tool.definition() for tool in tools]
    (_, system), *_ = turns(own, offered)
    ids = [*tokenizer.header("system"), *tokenizer.encode(system), *tokenizer.closing()]
    if len(ids) > 520:
        return
    prefix = batch.add_prefix(ids)
    # Only five for each set of tools: the choice of the tool is the hard part, so sets must vary.
    for _ in range(5):
        messages = source.messages(tools, rng)
        if messages is None:
            continue
        if bare and any(message.calls for message in messages):
            learnt = {len(messages) - 1}
        else:
            learnt = {i for i, message in enumerate(messages) if message.role == "assistant"}
        ids, wanted = _tokens(tokenizer, messages, learnt)
        if len(batch.ids) + len(ids) > limit:
            break
        batch.add_conversation(ids, wanted, prefix)


def _tokens(
    tokenizer: Tokenizer, messages: list[Message], learnt: set[int]
) -> tuple[list[int], list[int]]:
    """Return a conversation's token ids, and the indices of the tokens before the targets.

    The targets are the tokens of the messages whose indices are in ``learnt``.
    """
    ids: list[int] = []
    wanted: list[int] = []
    for index, (role, text) in enumerate(turns(messages)[1:]):
        ids += tokenizer.header(role)
        body = [*tokenizer.encode(text), *tokenizer.closing()]
        if index in learnt:
            wanted += range(len(ids) - 1, len(ids) + len(body) - 2)
        ids += body
    return ids, wanted
