"""Messages from the SDK and a server.

``act`` takes Python functions only, whose types give the schemas, and holds the rounds itself. The
evaluation's tools have schemas of their own (nested objects, ``anyOf``, enums, references), so they
go into the prediction's ``rawTools`` setting, as ``act`` does with its own, and the calls are read
from the events of ``respond_stream``, of which the public iterator passes on only the text.
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

# The SDK logs the failed call that it also raises.
logging.getLogger("lmstudio").setLevel(logging.ERROR)


def chat(messages: Sequence[Message]) -> Chat:
    """Return a conversation as the SDK holds it, calls and results with their ids."""
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
    """Return greedy settings with a limit of ``tokens`` that offer the tools.

    A struct, made past the SDK's own ``from_dict``: that, and a dict, would rename the parameters
    (docs/findings.md). The SDK sends parameters sorted by name, as it does for ``act``.
    """
    settings: dict[str, Any] = {"temperature": 0.0, "maxTokens": tokens}
    if tools:
        settings["rawTools"] = {"type": "toolArray", "tools": list(tools)}
    return msgspec.convert(settings, lmstudio.LlmPredictionConfig)


class SdkAssistant:
    """Speaks for a loaded model, see ``judge.Say``; ``stats`` are those of the last message."""

    stats: lmstudio.LlmPredictionStats

    def __init__(self, model: lmstudio.LLM, tokens: int = TOKENS) -> None:
        self._model = model
        self._tokens = tokens

    def __call__(self, messages: Sequence[Message], tools: Sequence[Definition]) -> Message:
        """Return the model's next message, see ``judge.Say``."""
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
