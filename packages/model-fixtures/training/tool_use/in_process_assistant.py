"""The assistant's messages from llama.cpp in this process.

Prompt text and lazy grammar are those of the server.
"""

from __future__ import annotations

from collections.abc import Sequence

from model_fixtures.server.grammars.tool_call_grammar import tool_grammar
from model_fixtures.tool_format import CALL_START, Message, ToolCall, chatml, parse

from .conversation_judge import BrokenCallError, Definition
from .llama_in_process import GreedyCompleter

TOKENS = 220  # at most in a message, more than any answer needs


class InProcessAssistant:
    """A ``Speaker`` for the model behind a ``GreedyCompleter``."""

    def __init__(self, completer: GreedyCompleter, grammar: bool = True) -> None:
        """Use the server's lazy grammar for calls, unless ``grammar`` is false."""
        self._completer = completer
        self._grammar = grammar

    def __call__(self, messages: Sequence[Message], tools: Sequence[Definition]) -> Message:
        """Return the model's next message, see ``Speaker``."""
        names = [str(tool["function"]["name"]) for tool in tools]
        grammar = tool_grammar(tools) if self._grammar and names else None
        text = self._completer.complete(chatml(messages, tools), TOKENS, grammar)
        parts = parse(text, names)
        words = "".join(part for part in parts if isinstance(part, str))
        if names and CALL_START in words:
            raise BrokenCallError(text)
        calls = [part for part in parts if isinstance(part, ToolCall)]
        return Message("assistant", words, calls)
