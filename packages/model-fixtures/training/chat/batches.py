"""Training batches of conversations: a few after each system prompt, packed without padding."""

from __future__ import annotations

import random

from model_fixtures.tool_format import Message, turns
from training.tool_use.packed_batches import Pack, Source
from training.tool_use.gguf_tokenizer import Tokenizer

from .conversations import system, talk

LONGEST = 460  # tokens of a conversation


class ChatSource(Source):
    """Draws conversations and batches; the same seed gives the same ones.

    Args:
        free: prompts with the base model's own answers.
    """

    def __init__(self, free: dict[str, str]) -> None:
        self._free = sorted(free.items())

    def _tree(self, pack: Pack, tokenizer: Tokenizer, rng: random.Random, limit: int) -> None:
        start = system(rng)
        (_, text), *_ = turns([Message("system", start.text)] if start.text else [])
        prefix = [*tokenizer.header("system"), *tokenizer.encode(text), *tokenizer.closing()]
        begin = len(pack.ids)
        span = (begin, begin + len(prefix))
        pack.ids += prefix
        pack.positions += range(len(prefix))
        pack.spans.append((*span, begin, begin))
        for _ in range(3 if start.text else 6):
            messages = talk(start, self._free, rng)
            learn = {i for i, message in enumerate(messages) if message.role == "assistant"}
            if not self._branch(pack, tokenizer, messages, learn, span, limit):
                break
