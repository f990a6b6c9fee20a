"""Tool calls that the embedded server's scenarios insert into a prediction."""

from typing import Any

from lmstudio._sdk_models import LlmPromptTemplateDict

from .forced_outputs import written
from .scenarios import Rule, insert_packets, rule

_NO_MESSAGES: LlmPromptTemplateDict = {
    "type": "jinja",
    "jinjaPromptTemplate": {"template": "So: "},
    "stopStrings": [],
}
SAY_OK = written("ok", promptTemplate=_NO_MESSAGES)
"""The config with which the model says "ok" in each round, whether it calls tools or not.

The template leaves tools and messages out of the prompt: these tests are about requests and calls,
and a small machine would take a second in each test to read the tool definitions.
"""


def calling(*calls: tuple[str, dict[str, Any]]) -> Rule:
    """Return a rule that adds tool calls with the ids "id-0", "id-1", ... to the next round."""
    packets: list[dict[str, Any]] = []
    for index, (name, arguments) in enumerate(calls):
        request = {"type": "function", "id": f"id-{index}", "name": name, "arguments": arguments}
        packets += [
            {"type": "toolCallGenerationStart", "toolCallId": f"id-{index}"},
            {"type": "toolCallGenerationNameReceived", "name": name},
            {"type": "toolCallGenerationArgumentFragmentGenerated", "content": "{"},
            {"type": "toolCallGenerationEnd", "toolCallRequest": request, "rawContent": "raw"},
        ]
    return at_end_of_round(insert_packets(*packets))


def at_end_of_round(then: dict[str, Any]) -> Rule:
    """Return a rule for the end of the next round; each round uses up one such rule."""
    return rule(then, namespace="llm", endpoint="predict", packet="success")
