"""Conversations with tools for training batches: a few conversations for each set of tools."""

from __future__ import annotations

import random
from collections.abc import Mapping

from model_fixtures.tool_format import Message

from .conversation_source import ConversationSource
from .gguf_tokenizer import Tokenizer
from .packed_batches import PackedBatch, add_messages, system_tokens

_SYSTEMS = (
    "You are a helpful assistant.",
    "You are a helpful AI assistant.",
    "You are a task focused AI assistant",
    "You help people with small tasks.",
    "Answer briefly.",
    "You are a friendly robot who helps with everyday tasks.",
)
_LONGEST_SYSTEM = 520  # tokens of a system prompt with its tools, at most


class ToolBatchSource:
    """A ``BatchSource`` of conversations with tools."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        """Use these answers to prompts that need no tool."""
        self._source = ConversationSource(dict(answers))

    def add_tree(
        self, batch: PackedBatch, tokenizer: Tokenizer, rng: random.Random, limit: int
    ) -> None:
        """Add a system prompt and up to five conversations, see ``BatchSource``."""
        bare = rng.random() < 0.07  # as in the last allowed round: results, but no more tools
        tools = self._source.tools(rng)
        own = [Message("system", rng.choice(_SYSTEMS))] if rng.random() < 0.25 else []
        ids = system_tokens(tokenizer, own, [] if bare else [tool.definition() for tool in tools])
        if len(ids) > _LONGEST_SYSTEM:
            return
        prefix = batch.add_prefix(ids)
        # Only five for each set of tools: the choice of the tool is the hard part, so sets must
        # vary.
        for _ in range(5):
            messages = self._source.messages(tools, rng)
            if messages is None:
                continue
            if bare and any(message.calls for message in messages):
                learnt = {len(messages) - 1}
            else:
                learnt = {i for i, message in enumerate(messages) if message.role == "assistant"}
            if not add_messages(batch, tokenizer, messages, learnt, prefix, limit):
                break
