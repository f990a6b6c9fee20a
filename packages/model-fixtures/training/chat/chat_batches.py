"""Chats for training batches: a few conversations for each system prompt."""

from __future__ import annotations

import random
from collections.abc import Mapping

from model_fixtures.tool_format import Message
from training.tool_use.gguf_tokenizer import Tokenizer
from training.tool_use.packed_batches import PackedBatch, add_messages, system_tokens

from .conversations import conversation, system_prompt


class ChatBatchSource:
    """A ``BatchSource`` of chats without tools."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        """Use these answers of the base model to ordinary prompts."""
        self._free = sorted(answers.items())

    def add_tree(
        self, batch: PackedBatch, tokenizer: Tokenizer, rng: random.Random, limit: int
    ) -> None:
        """Add a system prompt and up to six conversations, see ``BatchSource``."""
        system = system_prompt(rng)
        own = [Message("system", system.text)] if system.text else []
        prefix = batch.add_prefix(system_tokens(tokenizer, own))
        for _ in range(3 if system.text else 6):
            messages = conversation(system, self._free, rng)
            learnt = {i for i, message in enumerate(messages) if message.role == "assistant"}
            if not add_messages(batch, tokenizer, messages, learnt, prefix, limit, even=True):
                break
