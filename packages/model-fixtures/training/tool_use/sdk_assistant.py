"""The assistant's messages from the SDK and a server.

``act`` accepts only Python functions, makes their schemas from types, and runs the rounds itself.
The evaluation's tools have schemas of their own (nested objects, ``anyOf``, enums, references). So
they go into the setting ``rawTools`` of the prediction, where ``act`` puts its own tools. The calls
are read from the events of ``respond_stream``, since its public iterator yields only text.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import lmstudio
import msgspec
from lmstudio.history import Chat, ToolCallRequest, ToolCallResultData
from lmstudio.json_api import PredictionToolCallEvent
from model_fixtures.tool_format import Message, ToolCall

from .conversation_judge import BrokenCallError, Definition
from .in_process_assistant import TOKENS

# Otherwise the SDK logs each failed call, which it also raises.
logging.getLogger("lmstudio").setLevel(logging.ERROR)


def chat(messages: Sequence[Message]) -> Chat:
    """Return the messages as a chat of the SDK; calls and results keep their ids."""
    made = Chat()
    for message in messages:
        if message.role == "system":
            made.add_system_prompt(message.text)
        elif message.role == "user":
            made.add_user_message(message.text)
        elif message.role == "tool":
            made.add_tool_results(
                ToolCallResultData(content=result.content, tool_call_id=result.call_id)
                for result in message.results
            )
        else:
            requests = [
                ToolCallRequest(
                    type="function", name=call.name, arguments=dict(call.arguments), id=call.id
                )
                for call in message.calls
            ]
            made.add_assistant_response(message.text, requests)
    return made


def config(tokens: int, tools: Sequence[Definition]) -> lmstudio.LlmPredictionConfig:
    """Return settings that offer the tools and decode at most ``tokens`` tokens greedily.

    The SDK's ``from_dict``, which a dict goes through too, would rename the parameters of the tools
    (docs/findings.md), so msgspec makes the struct. The SDK sends the parameters sorted by name, as
    it does for ``act``.
    """
    settings: dict[str, Any] = {"temperature": 0.0, "maxTokens": tokens}
    if tools:
        settings["rawTools"] = {"type": "toolArray", "tools": list(tools)}
    return msgspec.convert(settings, lmstudio.LlmPredictionConfig)


class SdkAssistant:
    """A ``Speaker`` for a loaded model; ``stats`` are those of its last message."""

    stats: lmstudio.LlmPredictionStats

    def __init__(self, model: lmstudio.LLM, tokens: int = TOKENS) -> None:
        self._model = model
        self._tokens = tokens

    def __call__(self, messages: Sequence[Message], tools: Sequence[Definition]) -> Message:
        """Return the model's next message, see ``Speaker``."""
        stream = self._model.respond_stream(chat(messages), config=config(self._tokens, tools))
        calls: list[ToolCall] = []
        try:
            for event in stream._iter_events():
                if isinstance(event, PredictionToolCallEvent):
                    request = event.arg
                    calls.append(ToolCall(request.name, request.arguments or {}, request.id))
        except lmstudio.LMStudioPredictionError as error:
            raise BrokenCallError(str(error)) from None
        result = stream.result()
        self.stats = result.stats
        return Message("assistant", result.content, calls)
