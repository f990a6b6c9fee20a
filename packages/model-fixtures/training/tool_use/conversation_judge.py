"""Hold the evaluation's conversations with a model, and judge which of them went right.

The judge asks a ``Speaker`` for one message after the other. The speaker is an
``InProcessAssistant`` (llama.cpp in this process) or an ``SdkAssistant`` (the SDK and a server).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from model_fixtures.tool_format import Message, ToolCall, ToolResult
from training.scores import Score

from .evaluation_cases import REGRESSION, REGRESSION_TOOLS, ConversationCase

_COMMUTES = ("add", "multiply", "distance")
_TROUBLE = re.compile(r"sorry|fail|error|could not|cannot|unable|problem", re.IGNORECASE)
Definition = Mapping[str, Any]  # {"type": "function", "function": {name, description, parameters}}


class BrokenCallError(Exception):
    """The model's call is malformed or names a tool that is not offered; the message quotes it."""


class Speaker(Protocol):
    """Returns the model's messages."""

    def __call__(self, messages: Sequence[Message], tools: Sequence[Definition]) -> Message:
        """Return the model's next message, decoded greedily.

        Raises:
            BrokenCallError: the message contains a call that can't be read.
        """


def _same(call: ToolCall, name: str, arguments: Mapping[str, Any], family: str = "") -> bool:
    if call.name != name:
        return False
    if dict(call.arguments) == dict(arguments):
        return True
    swapped = sorted(map(str, call.arguments.values())) == sorted(map(str, arguments.values()))
    return family in _COMMUTES and swapped and call.arguments.keys() == arguments.keys()


class ConversationJudge:
    """Holds conversations with a speaker and judges them."""

    def __init__(self, say: Speaker) -> None:
        self.say = say

    def hold(self, case: ConversationCase) -> tuple[bool, str]:
        """Return whether the conversation went right, and the message that decided it."""
        try:
            return self._hold(case)
        except BrokenCallError as error:
            return False, f"broken call: {error}"

    def _hold(self, case: ConversationCase) -> tuple[bool, str]:
        expected = case.expected
        tools = [tool.definition() for tool in case.tools]
        messages = [*expected.history, Message("user", expected.prompt)]
        first = self.say(messages, tools)
        if case.kind == "plain":
            return not first.calls, repr(first)
        wishes = [
            (wish, given)
            for part in expected.rounds
            for wish, given in zip(part.calls, part.outcomes, strict=True)
        ]
        if case.kind in ("choice", "copy"):
            wish = wishes[0][0]
            if len(first.calls) != 1:
                return False, repr(first)
            call = first.calls[0]
            if case.kind == "choice":
                return call.name == wish.tool.name, repr(first)
            family = wish.tool.family.key
            return _same(call, wish.tool.name, wish.arguments, family), repr(first)
        if case.kind == "say" and not _says(first.text, expected.rounds[0].text):
            return False, repr(first)
        message = first
        waiting = list(wishes)
        count = 0
        while message.calls:
            results = []
            for call in message.calls:
                found = next(
                    (
                        pair
                        for pair in waiting
                        if _same(
                            call, pair[0].tool.name, pair[0].arguments, pair[0].tool.family.key
                        )
                    ),
                    None,
                )
                if found is None:
                    return False, repr(message)
                waiting.remove(found)
                count += 1
                results.append(ToolResult(found[1].content, str(count)))
            start = count - len(results) + 1
            calls = [
                ToolCall(call.name, call.arguments, str(start + index))
                for index, call in enumerate(message.calls)
            ]
            messages += [
                Message("assistant", message.text, calls),
                Message("tool", results=results),
            ]
            if case.kind == "say":
                return not waiting, repr(first)
            message = self.say(messages, tools)
        if waiting:
            return False, repr(message)
        if case.kind == "error":
            return _explains(message.text, expected.needles[0]), repr(message)
        return all(_holds(message.text, needle) for needle in expected.needles), repr(message)


def _holds(text: str, needle: str) -> bool:
    """Return whether a text contains a result as a whole word or number."""
    pattern = rf"(?<![\w.-]){re.escape(needle.lower())}(?!\w|\.\d)"
    return re.search(pattern, text.lower()) is not None


def _says(text: str, wanted: str) -> bool:
    def bare(words: str) -> str:
        return re.sub(r"[^\w]+", " ", words.lower()).strip()

    return bare(wanted) in bare(text)


def _explains(text: str, reason: str) -> bool:
    """Return whether the answer names a failure and at least 7 of 10 words of its reason."""
    words = re.findall(r"\w+", reason.lower())
    said = set(re.findall(r"\w+", text.lower()))
    return bool(_TROUBLE.search(text)) and sum(w in said for w in words) >= 0.7 * len(words)


def failed_regressions(judge: ConversationJudge) -> list[str]:
    """Return a line for each regression prompt whose first answer is wrong."""
    wrong = []
    for names, prompt, calls, said in REGRESSION:
        tools = [_regression_tool(name) for name in names.split()]
        try:
            first = judge.say([Message("user", prompt)], tools)
        except BrokenCallError as error:
            wrong.append(f"{prompt} -> broken call: {error}")
            continue
        fine = len(first.calls) == len(calls) and all(
            any(_same(call, name, arguments, name) for call in first.calls)
            for name, arguments in calls
        )
        if not fine or not _says(first.text, said):
            wrong.append(f"{prompt} -> {first.text!r} {list(first.calls)}")
    return wrong


def _regression_tool(name: str) -> dict[str, Any]:
    description, arguments = REGRESSION_TOOLS[name]
    pairs = [pair.split() for pair in arguments.split("|")]
    parameters = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in pairs},
        "required": [key for key, _ in pairs],
    }
    inner = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": inner}


def scores(judge: ConversationJudge, conversations: Iterable[ConversationCase]) -> dict[str, Score]:
    """Hold the conversations, and return the score of each kind that is among them."""
    found: dict[str, Score] = {}
    for case in conversations:
        fine, said = judge.hold(case)
        expected = case.expected
        rounds = [(wish.tool.name, wish.arguments) for r in expected.rounds for wish in r.calls]
        failure = {
            "kind": case.kind,
            "prompt": expected.prompt,
            "tools": [tool.name for tool in case.tools],
            "expected": repr((rounds, expected.answer)),
            "said": said,
        }
        found.setdefault(case.kind, Score()).add(fine, failure)
    return found


def sum_scores(parts: Iterable[Mapping[str, Score]]) -> dict[str, Score]:
    """Return the sum of the scores of each kind.

    The sum of "parallel" and "chained" is added as "two calls".
    """
    found: dict[str, Score] = {}
    for part in parts:
        for kind, score in part.items():
            found[kind] = found.get(kind, Score()) + score
    pair = [found[kind] for kind in ("parallel", "chained") if kind in found]
    if len(pair) == 2:
        found["two calls"] = pair[0] + pair[1]
    return found
