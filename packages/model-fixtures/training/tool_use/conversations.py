"""Conversations in which tools are offered, with everything that the assistant should write."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from model_fixtures.tool_format import Message, ToolCall, ToolResult

from . import request_phrases
from .argument_values import ArgumentValue, kind_value, listing
from .tool_families import Parameter, Tool, ToolRequest, request
from .tool_results import ToolOutcome, failure, outcome

# By the kind of result that a tool gives: the kinds of parameters that accept it.
_FITS: dict[str, tuple[str, ...]] = {
    "calc+": ("num", "int", "digits"),
    "calc*": ("num", "int", "digits"),
    "calc-": ("num", "int", "digits"),
    "num": ("num",),
    "city": ("city",),
    "email": ("email",),
    "text": ("text", "quoted"),
    "up": ("text", "quoted"),
    "word": ("word", "quoted", "text"),
    "digits": ("digits",),
    "code": ("code",),
    "time": ("time",),
    "date": ("date",),
    "state": ("word", "text"),
}
# How a prompt refers to the first result, by the kind of the parameter that takes it.
_REFERENCES = {
    "city": ("that city", "the city", "the result"),
    "num": ("the result", "that number", "the result", "it"),
    "int": ("the result", "that number", "the result"),
    "email": ("that address", "the result"),
    "date": ("that date", "the result"),
    "time": ("that time", "the result"),
}


@dataclass(frozen=True)
class Round:
    """One message with calls: the text before them, the calls, and their results."""

    text: str
    calls: list[ToolRequest]
    outcomes: list[ToolOutcome]


@dataclass(frozen=True)
class Conversation:
    """A prompt, the rounds of calls, and the final answer."""

    kind: str
    prompt: str
    rounds: list[Round]
    answer: str
    needles: list[str]  # texts that the answer must contain
    history: list[Message] = field(default_factory=list)

    def messages(self, *, start: int = 1) -> list[Message]:
        """Return the whole conversation as messages; ``start`` is the id of the first call."""
        found = [*self.history, Message("user", self.prompt)]
        for part in self.rounds:
            calls = [
                ToolCall(wish.tool.name, wish.arguments, str(start + index))
                for index, wish in enumerate(part.calls)
            ]
            results = [
                ToolResult(given.content, call.id)
                for given, call in zip(part.outcomes, calls, strict=True)
            ]
            start += len(calls)
            found.append(Message("assistant", part.text, calls))
            found.append(Message("tool", results=results))
        return [*found, Message("assistant", self.answer)]


MakeConversation = Callable[[Sequence[Tool], bool, random.Random], "Conversation | None"]


def _final(outcomes: list[ToolOutcome]) -> tuple[str, list[str]]:
    return (
        " ".join(given.answer for given in outcomes),
        [needle for given in outcomes for needle in given.needles],
    )


def single(tools: Sequence[Tool], held_out: bool, rng: random.Random) -> Conversation:
    """Return a conversation with one call."""
    tool = rng.choice(tools)
    style = rng.random()
    if style < 0.4 and tool.family.ask:
        wish = request(tool, held_out, rng, ask=True)
        prompt = request_phrases.asked(wish, held_out, rng)
    elif style < 0.5:
        wish = request(tool, held_out, rng)
        prompt = request_phrases.explicit(wish, held_out, rng)
    else:
        wish = request(tool, held_out, rng)
        prompt = request_phrases.one(wish, held_out, rng)
    given = outcome(wish, rng)
    return Conversation("single", prompt, [Round("", [wish], [given])], given.answer, given.needles)


def say(tools: Sequence[Tool], held_out: bool, rng: random.Random) -> Conversation:
    """Return a conversation with words before the call, in the same message.

    In training, one in ten has words after the result instead.
    """
    wish = request(rng.choice(tools), held_out, rng)
    given = outcome(wish, rng)
    if not held_out and rng.random() < 0.1:
        prompt, said = request_phrases.say_after(wish, held_out, rng)
        answer = f"{given.answer} {said}"
        return Conversation(
            "after", prompt, [Round("", [wish], [given])], answer, [*given.needles, said]
        )
    prompt, said = request_phrases.say_first(wish, held_out, rng)
    return Conversation("say", prompt, [Round(said, [wish], [given])], given.answer, given.needles)


def error(tools: Sequence[Tool], held_out: bool, rng: random.Random) -> Conversation:
    """Return a conversation in which the call fails and the answer explains why."""
    made = single(tools, held_out, rng)
    wish = made.rounds[0].calls[0]
    given = failure(wish, held_out, rng)
    return Conversation(
        "error", made.prompt, [Round("", [wish], [given])], given.answer, given.needles
    )


def _pair(tool: Tool, held_out: bool, rng: random.Random) -> tuple[list[ToolRequest], str] | None:
    """Return two or three calls of one tool, and a prompt that lists them ("in Paris and Rome").

    None if the tool's parameters do not allow a list.
    """
    needed = [arg for arg in tool.family.args if not arg.optional]
    if len(needed) != 1 or needed[0].kind not in ("city", "person", "word", "file", "int", "num"):
        return None
    count = rng.choice((2, 2, 2, 3))
    drawn = [kind_value(needed[0].kind, rng) for _ in range(count)]
    if len({value.text for value in drawn}) < count:
        return None
    together = ArgumentValue(None, listing([value.text for value in drawn]))
    ask = rng.random() < 0.4
    whole = request(tool, held_out, rng, ask=ask, fixed={needed[0].key: together})
    if len(whole.arguments) != 1:
        return None
    name = tool.names[needed[0].key]
    calls = [
        ToolRequest(tool, whole.words, {name: value.value}, {needed[0].key: value.text})
        for value in drawn
    ]
    wrap = request_phrases.asked if ask else request_phrases.one
    return calls, wrap(whole, held_out, rng)


def parallel(tools: Sequence[Tool], held_out: bool, rng: random.Random) -> Conversation:
    """Return a conversation with two, rarely three, independent calls in one message."""
    style = rng.random()
    if style < 0.25:
        pair = _pair(rng.choice(tools), held_out, rng)
        if pair is not None:
            return _together(pair[0], pair[1], rng, kind="parallel")
    if len(tools) > 1 and style < 0.85:
        one, two = rng.sample(list(tools), 2)
    else:
        one = two = rng.choice(tools)
    if style > 0.8:
        calls = [request(tool, held_out, rng, ask=True) for tool in (one, two)]
        prompt = request_phrases.two_questions(calls[0], calls[1], held_out, rng)
    else:
        calls = [request(tool, held_out, rng) for tool in (one, two)]
        prompt = request_phrases.both(calls[0], calls[1], held_out, rng)
        if not held_out and rng.random() < 0.12:
            third = request(rng.choice(tools), held_out, rng)
            prompt = (
                f"{prompt.rstrip('.?')}{rng.choice((', and then ', ', and also '))}{third.words}."
            )
            calls.append(third)
    return _together(calls, prompt, rng, kind="parallel")


def _together(calls: list[ToolRequest], prompt: str, rng: random.Random, kind: str) -> Conversation:
    given = [outcome(wish, rng) for wish in calls]
    answer, needles = _final(given)
    text = ""
    return Conversation(kind, prompt, [Round(text, calls, given)], answer, needles)


def _takes(tool: Tool, kinds: tuple[str, ...]) -> Parameter | None:
    for arg in tool.family.args:
        if arg.kind in kinds and not arg.optional:
            return arg
    return None


def chained(tools: Sequence[Tool], held_out: bool, rng: random.Random) -> Conversation | None:
    """Return a conversation of two rounds, in which the second call needs the first one's result.

    None if no two of the tools fit together.
    """
    fits = [
        (first, second, arg)
        for first in tools
        for second in tools
        if (arg := _takes(second, _FITS.get(first.family.gives, ()))) is not None
    ]
    if not fits:
        return None
    first, second, arg = rng.choice(fits)
    one = request(first, held_out, rng)
    given = outcome(one, rng)
    if given.value is None:
        return None
    value = str(given.value) if arg.kind == "digits" else given.value
    if arg.kind == "int" and not isinstance(value, int):
        return None
    refers = rng.choice(_REFERENCES.get(arg.kind, ("the result",)))
    two = request(second, held_out, rng, fixed={arg.key: ArgumentValue(value, refers)})
    prompt = request_phrases.chain(one, two, held_out, rng)
    last_wish = ToolRequest(second, two.words, two.arguments, {**two.texts, arg.key: str(value)})
    last = outcome(last_wish, rng)
    rounds = [Round("", [one], [given]), Round("", [last_wish], [last])]
    return Conversation("chained", prompt, rounds, last.answer, last.needles)


def plain(answers: Sequence[tuple[str, str]], rng: random.Random) -> Conversation:
    """Return a conversation without calls: one of the prompts, and its answer."""
    prompt, answer = rng.choice(answers)
    return Conversation("plain", prompt, [], answer, [])


def recall(made: Conversation, rng: random.Random) -> Conversation:
    """Return a conversation that continues a finished one with thanks or a question about it."""
    history = made.messages()
    if rng.random() < 0.4:
        prompt, answer = rng.choice(
            (("Thanks!", "You are welcome!"), ("Thank you.", "You are welcome!"))
        )
        return Conversation("plain", prompt, [], answer, [], history)
    prompt = rng.choice(("What was the result?", "Say that again.", "Please repeat the answer."))
    return Conversation("plain", prompt, [], made.answer, [], history)
