"""The generator of tool-use conversations: arguments follow from prompts, calls fit tools."""

from __future__ import annotations

import random
import re
from itertools import product
from typing import Any

import pytest
from model_fixtures.tool_format import ToolCall, parse, turns
from training.tool_use import request_phrases
from training.tool_use.conversation_source import ConversationSource
from training.tool_use.conversations import Conversation
from training.tool_use.evaluation_cases import REGRESSION, cases
from training.tool_use.generated_families import FamilyGenerator
from training.tool_use.plain_prompts import prompts, shorten
from training.tool_use.request_phrases import options
from training.tool_use.tool_families import ToolRequest, load, section

ANSWERS = {"Hello!": "Hi!", "What is a dog?": "A dog is an animal."}


def conversations(held_out: bool, count: int = 1500) -> list[tuple[list[Any], Conversation]]:
    """Return conversations with their tools."""
    source = ConversationSource(ANSWERS, held_out)
    found: list[tuple[list[Any], Conversation]] = []
    rng = random.Random(f"test-{held_out}")  # noqa: S311  # a seed, no secret
    while len(found) < count:
        tools = source.tools(rng)
        made = source.conversation(tools, rng)
        if made is not None:
            found.append((tools, made))
    return found


def leaves(value: Any) -> list[str]:
    """Return the texts and numbers inside an argument."""
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [] if isinstance(value, bool) else [str(value)]


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Return whether a value fits a generated schema."""
    if "enum" in schema:
        return value in schema["enum"]
    if "anyOf" in schema:
        return any(fits(value, option) for option in schema["anyOf"])
    if "$ref" in schema:
        return True
    kind = schema["type"]
    if kind == "array":
        return isinstance(value, list) and all(fits(item, schema["items"]) for item in value)
    if kind == "object":
        return value.keys() == schema["properties"].keys() and all(
            fits(value[key], inner) for key, inner in schema["properties"].items()
        )
    if isinstance(value, bool):
        return bool(kind == "boolean")
    if kind == "number":
        return isinstance(value, int | float)
    return isinstance(value, {"string": str, "integer": int, "boolean": bool}[kind])


def wishes(made: Conversation) -> list[tuple[int, ToolRequest]]:
    """Return the calls of a conversation, each with the number of its round."""
    return [(number, wish) for number, part in enumerate(made.rounds) for wish in part.calls]


@pytest.mark.parametrize("held_out", [False, True])
def test_arguments_follow_from_the_prompt(held_out: bool) -> None:
    """Every text and number in a call is in the prompt, or in an earlier result."""
    for _, made in conversations(held_out):
        source = made.prompt
        for number, part in enumerate(made.rounds):
            for wish in part.calls:
                for leaf in leaves(dict(wish.arguments)):
                    # "Lock the door." may ask for the value "lock"
                    said = source.lower() if leaf.islower() else source
                    assert leaf in said, (made.prompt, wish.arguments)
            source += " ".join(str(given.value) for given in made.rounds[number].outcomes)


@pytest.mark.parametrize("held_out", [False, True])
def test_calls_fit_the_offered_tools(held_out: bool) -> None:
    """Every call names an offered tool, has all required parameters, and values of their types."""
    for tools, made in conversations(held_out):
        offered = {tool.name: tool.schema for tool in tools}
        assert len(offered) == len(tools)
        for _, wish in wishes(made):
            schema = offered[wish.tool.name]
            assert set(schema["required"]) <= wish.arguments.keys() <= schema["properties"].keys()
            for key, value in wish.arguments.items():
                assert fits(value, schema["properties"][key]), (key, value, schema)


@pytest.mark.parametrize("held_out", [False, True])
def test_answers_contain_the_results(held_out: bool) -> None:
    """The final answer contains every text that the judge looks for."""
    for _, made in conversations(held_out):
        for needle in made.needles:
            assert needle.lower() in made.answer.lower(), made


def test_no_template_is_left_unfilled() -> None:
    """Prompts, answers and texts before calls have no gap, bracketed option or double space."""
    for _, made in conversations(False):
        for text in (made.prompt, made.answer, *(part.text for part in made.rounds)):
            assert not re.search(r"\{\w+\}|\[ |  |<[^>]*/", text), text


def test_messages_can_be_parsed_back() -> None:
    """Each assistant message parses into exactly its text and its calls."""
    for tools, made in conversations(False, 500):
        names = [tool.name for tool in tools]
        rendered = [text for role, text in turns(made.messages())[1:] if role == "assistant"]
        for part, text in zip(made.rounds, rendered, strict=False):
            calls = [ToolCall(wish.tool.name, wish.arguments) for wish in part.calls]
            assert parse(text, names) == [*([part.text] if part.text else []), *calls]


def test_the_same_seed_gives_the_same_conversations() -> None:
    """Two sources draw the same tools and conversations from the same seed."""
    drawn = []
    for _ in range(2):
        source, rng = ConversationSource(ANSWERS), random.Random(7)  # noqa: S311  # a seed, no secret
        drawn.append([repr(source.conversation(source.tools(rng), rng)) for _ in range(50)])
    assert drawn[0] == drawn[1]


def test_evaluation_uses_other_words_and_tools() -> None:
    """Held-out families, verbs, things, parameters and plain prompts are not in training."""
    train, held_out = [*load(), *load("more_families")], load("heldout")
    assert not {f.key for f in train} & {f.key for f in held_out}
    assert not {n for f in train for n in f.names} & {n for f in held_out for n in f.names}
    old, new = FamilyGenerator(held_out=False), FamilyGenerator(held_out=True)
    assert not set(old._nouns) & set(new._nouns)
    assert not {verb for verb, _ in old._verbs} & {verb for verb, _ in new._verbs}
    assert not set(prompts(held_out=False, count=1450)) & set(prompts(held_out=True, count=260))


@pytest.mark.parametrize("name", ["ONE", "TWO", "CHAIN", "SAY", "AFTER"])
def test_frames_of_evaluation_stay_out_of_training(name: str) -> None:
    """No frame that evaluation uses is one of training's, whatever parts are chosen in it."""
    trained: str = getattr(request_phrases, f"_{name}")
    more = [] if name == "AFTER" else section("more_frames.txt", name)
    drawn = {
        "".join(parts)
        for frame in [*options(trained), *more]
        for parts in product(
            *(
                part[1:-1].split("/") if part.startswith("<") else [part]
                for part in re.split(r"(<[^>]*>)", frame)
            )
        )
    }
    assert len(drawn) > len(options(trained)) - 1
    assert not drawn & set(options(getattr(request_phrases, f"_HELD_{name}")))


def test_half_of_the_tools_to_choose_from_are_new() -> None:
    """In the 'choice' cases 3 to 6 tools are offered, and at least half of all are unseen."""
    known = {family.key for family in [*load(), *load("more_families")]}
    found = cases(60, "test", ["choice"])
    tools = [tool for case in found for tool in case.tools]
    assert {len(case.tools) for case in found} == {3, 4, 5, 6}
    assert sum(tool.family.key not in known for tool in tools) >= len(tools) / 2


def test_the_regression_prompts_stay_out_of_training() -> None:
    """No regression prompt is among thousands of training prompts."""
    exact = {prompt for _, prompt, _, _ in REGRESSION}
    assert not exact & {made.prompt for _, made in conversations(False, 3000) if made.rounds}


def test_answers_are_cut_after_whole_sentences() -> None:
    """A long answer keeps at most two whole sentences; one without an end is dropped."""
    assert shorten("One. Two! Three.") == "One. Two!"
    assert shorten("no end") == ""
    assert options("a|b\n|") == ["a", "b"]
