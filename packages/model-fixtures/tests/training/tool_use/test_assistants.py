"""What the evaluation passes to the SDK, and how it compares decode speeds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from lmstudio.json_api import ChatResponseEndpoint
from model_fixtures.tool_format import Message, ToolCall, ToolResult
from training.tool_use.decode_speed import speed_ratio
from training.tool_use.evaluation_cases import cases
from training.tool_use.sdk_assistant import SdkAssistant, chat, config


def test_definitions_reach_the_wire_as_they_are() -> None:
    """The SDK sends the definitions of tools with the names that the evaluation gave them."""
    tools = [tool.definition() for case in cases(40, "wire", ["single"]) for tool in case.tools]
    request: Any = ChatResponseEndpoint(
        "model", chat([Message("user", "Hi!")]), None, config(99, tools)
    ).creation_params
    fields = {
        field["key"]: field["value"]
        for layer in request["predictionConfigStack"]["layers"]
        for field in layer["config"]["fields"]
    }
    assert fields["llm.prediction.tools"] == {"type": "toolArray", "tools": tools}
    assert fields["llm.prediction.temperature"] == 0.0
    assert fields["llm.prediction.maxPredictedTokens"] == {"checked": True, "value": 99}


def test_history_keeps_calls_and_results_together() -> None:
    """The SDK's chat has the text, calls and results of earlier rounds, with their ids."""
    made = chat(
        [
            Message("system", "Be brief."),
            Message("user", "Add 1 and 2."),
            Message("assistant", "Sure.", [ToolCall("add", {"a": 1, "b": 2}, "7")]),
            Message("tool", results=[ToolResult("3", "7")]),
            Message("assistant", "It is 3."),
            Message("user", "Thanks!"),
        ]
    )
    history: Any = made._get_history_for_prediction()
    call = {"type": "function", "name": "add", "arguments": {"a": 1, "b": 2}, "id": "7"}
    assert [(message["role"], message["content"]) for message in history["messages"]] == [
        ("system", [{"type": "text", "text": "Be brief."}]),
        ("user", [{"type": "text", "text": "Add 1 and 2."}]),
        (
            "assistant",
            [
                {"type": "text", "text": "Sure."},
                {"type": "toolCallRequest", "toolCallRequest": call},
            ],
        ),
        ("tool", [{"type": "toolCallResult", "content": "3", "toolCallId": "7"}]),
        ("assistant", [{"type": "text", "text": "It is 3."}]),
        ("user", [{"type": "text", "text": "Thanks!"}]),
    ]


class Paced:
    """Answers with ``tokens`` tokens at ``seconds`` per token, counted as llama.cpp counts."""

    def __init__(self, tokens: int, seconds: float) -> None:
        rate = tokens / ((tokens - 1) * seconds)  # the clock starts with the first token
        self.stats = SimpleNamespace(predicted_tokens_count=tokens, tokens_per_second=rate)
        self.prompts: list[Message] = []

    def __call__(self, messages: list[Message], tools: list[Any]) -> Message:
        """Return a message without meaning."""
        self.prompts += messages
        return Message("assistant", "…")


def test_speed_is_tokens_by_time() -> None:
    """Only tokens per second count, not lengths of answers; both models get the same prompts."""
    ours, plain = Paced(10, 0.010), Paced(96, 0.009)
    chosen = cases(3, "speed", ["plain"])
    found = speed_ratio(cast(SdkAssistant, ours), cast(SdkAssistant, plain), chosen)
    assert found == pytest.approx(0.9)
    assert ours.prompts == plain.prompts
    assert [message.text for message in plain.prompts] == [c.expected.prompt for c in chosen]
