"""Evaluation sets, whose seeds, wordings, tool names and some tools differ from training's."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from .conversation_source import ConversationSource
from .conversations import Conversation
from .plain_prompts import prompts
from .tool_families import Tool

SETS = {"near": 0.0, "far": 1.0, "mixed": 0.6}  # share of "far" tools, see ``cases``
KINDS = ("single", "say", "error", "plain", "parallel", "chained", "choice", "copy")
_COPIED = ("city", "person", "word", "quoted", "text", "file", "email", "code", "url")


@dataclass(frozen=True)
class ConversationCase:
    """A conversation to hold, and the tools that are offered in it."""

    kind: str
    tools: Sequence[Tool]
    expected: Conversation


def _echoes(made: Conversation) -> bool:
    """Return whether an answer that only repeats the prompt would contain all results."""
    prompt = made.prompt.lower()
    return bool(made.needles) and all(needle.lower() in prompt for needle in made.needles)


def _copying(tools: Sequence[Tool]) -> list[Tool]:
    return [tool for tool in tools if any(arg.kind in _COPIED for arg in tool.family.args)]


def cases(
    count: int, seed: str, kinds: Sequence[str] = KINDS, tools: str = "near"
) -> list[ConversationCase]:
    """Return ``count`` cases of each kind; those that offer the same tools are consecutive.

    The sentences around a request, and the names and wordings of tools, never occur in training.
    If ``tools`` is "near", each tool does what some tool of training does (the generated ones with
    things that training does not name). If it is "far", no tool of training does the same. A case
    offers 1 to 5 tools, but a case of "choice" offers 3 to 6, and at least half of these are far.
    Plain prompts are repeated only after all of them have been used.
    """
    plain = prompts(held_out=True, count=260)
    random.Random(f"plain-{seed}").shuffle(plain)  # noqa: S311  # a seed, no secret
    answers = dict.fromkeys(plain, "")
    source = ConversationSource(answers, held_out=True, unseen=SETS[tools])
    mixed = ConversationSource(answers, held_out=True, unseen=SETS["mixed"])
    found: list[ConversationCase] = []
    made = dict.fromkeys(kinds, 0)
    number = 0
    while any(made[kind] < count for kind in kinds):
        rng = random.Random(f"suite-{seed}-{number}")  # noqa: S311  # a seed, no secret
        number += 1
        few = source.tools(rng, rng.choice((1, 2, 3, 4, 5)))
        many = mixed.tools(rng, rng.choice((3, 4, 5, 6)))
        for kind in kinds:
            if made[kind] >= count:
                continue
            offered: Sequence[Tool] = many if kind == "choice" else few
            usable = _copying(offered) if kind == "copy" else offered
            if not usable or (kind == "choice" and len(offered) < 3):
                continue
            inner = "single" if kind in ("choice", "copy") else kind
            expected = source.conversation(usable, rng, inner)
            if kind == "plain":
                expected = Conversation("plain", plain[made[kind] % len(plain)], [], "", [])
            if expected is None or expected.kind != inner or _echoes(expected):
                continue
            found.append(ConversationCase(kind, offered, expected))
            made[kind] += 1
    return found


# Prompts such as a test suite for the SDK uses. Training has similar tools but none of these
# prompts. They are reported separately and count for no bar.
_TWO = "a number|b number"
REGRESSION_TOOLS: dict[str, tuple[str, str]] = {
    "add": ("Given two numbers a and b, returns the sum of them.", "a integer|b integer"),
    "multiply": ("Given two numbers a and b, returns the product of them.", _TWO),
    "divide": ("Divide a by b.", _TWO),
    "get_weather": ("Get the current weather in a city.", "city string"),
    "create_file": ("Create a file with the given name and content.", "name string|content string"),
    "get_time": ("Get the current time in a city.", "city string"),
    "is_prime": ("Given a number n, returns True if n is a prime.", "n integer"),
}
REGRESSION: list[tuple[str, str, list[tuple[str, dict[str, object]]], str]] = [
    ("add", "What is the sum of 123 and 3210?", [("add", {"a": 123, "b": 3210})], ""),
    ("add", "Please add 17 and 25 using the tool.", [("add", {"a": 17, "b": 25})], ""),
    ("add multiply", "What is 12 times 34?", [("multiply", {"a": 12, "b": 34})], ""),
    ("add multiply", "Add 1 and 2.", [("add", {"a": 1, "b": 2})], ""),
    ("get_weather", "What is the weather in Paris?", [("get_weather", {"city": "Paris"})], ""),
    (
        "add multiply get_weather create_file get_time is_prime",
        "What is the weather in Paris?",
        [("get_weather", {"city": "Paris"})],
        "",
    ),
    ("add", "Say hi first, then add 5 and 7.", [("add", {"a": 5, "b": 7})], "hi"),
    ("add", "First say 'Hi', then add 40 and 2.", [("add", {"a": 40, "b": 2})], "hi"),
    ("divide", "Divide 10 by 0.", [("divide", {"a": 10, "b": 0})], ""),
    (
        "create_file",
        "Create a file named hello.txt with the content 'Hello, world!'.",
        [("create_file", {"name": "hello.txt", "content": "Hello, world!"})],
        "",
    ),
    (
        "create_file add",
        'Please create a file called notes.md with the content "buy milk".',
        [("create_file", {"name": "notes.md", "content": "buy milk"})],
        "",
    ),
    (
        "get_weather get_time",
        "What is the weather in Berlin and what time is it in Tokyo?",
        [("get_weather", {"city": "Berlin"}), ("get_time", {"city": "Tokyo"})],
        "",
    ),
    (
        "add multiply",
        "Add 3 and 4, and multiply 5 by 6.",
        [("add", {"a": 3, "b": 4}), ("multiply", {"a": 5, "b": 6})],
        "",
    ),
    (
        "get_weather",
        "What's the weather like in Zurich?",
        [("get_weather", {"city": "Zurich"})],
        "",
    ),
    ("is_prime add", "Is 997 a prime number?", [("is_prime", {"n": 997})], ""),
    ("add multiply", "Hello! How are you?", [], ""),
    ("add get_weather", "What is the capital of France?", [], ""),
    ("add", "Tell me a joke.", [], ""),
]
