"""Cases in which the answer must have a form: a word, capitals, a list, JSON, an ending."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from model_fixtures.tool_format import Message

from .chat_judge import (
    Capitals,
    Counted,
    EndsWith,
    Exactly,
    JsonObject,
    Listed,
    OneWord,
    Rule,
    Terse,
    YesOrNo,
)
from .evaluation_draws import ChatCase, Draw, phrases, said, turn, words

_NUMBERS = ("two", "three", "four", "five", "six", "seven")
_ENDS = ("DONE", "DONE", "DONE", "FINISHED", "OVER", "STOP")


def _case(draw: Draw, part: str, prompt: str, rule: Rule) -> ChatCase:
    earlier = draw.turns(draw.rng.randint(1, 3) if draw.chance(0.3) else 0)
    return ChatCase("form", part, draw.system(), earlier, prompt, rule)


def _question(part: str, questions: str, rule: Rule) -> Callable[[Draw], ChatCase]:
    """Return a function that makes cases with a question and a demand for the answer's form."""

    def make(draw: Draw) -> ChatCase:
        question = draw.rng.choice(phrases()[questions])
        return _case(draw, part, draw.worded(part, question=question), rule)

    return make


def upper_phrase(draw: Draw) -> ChatCase:
    """Return a case in which a phrase is to be written in capital letters."""
    phrase = draw.phrase()
    prompt = draw.worded("upper phrase", q=draw.quoted(phrase), phrase=phrase)
    return _case(draw, "upper phrase", prompt, Exactly(phrase.upper()))


def listed(draw: Draw) -> ChatCase:
    """Return a case that asks for a list of two to seven items."""
    count = draw.rng.randint(2, 7)
    n = draw.rng.choice((str(count), _NUMBERS[count - 2]))
    prompt = draw.worded("list", n=n, items=draw.rng.choice(words()["items"]))
    return _case(draw, "list", prompt[0].upper() + prompt[1:], Listed(count))


def counted(draw: Draw) -> ChatCase:
    """Return a case that asks to count from a number up to another."""
    first = draw.rng.choice((1, 1, 0, draw.rng.randint(2, 90)))
    last = first + draw.rng.randint(2, 12)
    return _case(draw, "count", draw.worded("count", a=first, b=last), Counted(first, last))


def json_object(draw: Draw) -> ChatCase:
    """Return a case that asks for a JSON object of one to four keys."""
    keys = draw.rng.sample(words()["keys"], draw.rng.randint(1, 4))
    value = {key: _json_value(draw) for key in keys}
    prompt = draw.worded("json", pairs=_pairs(draw, value))
    return _case(draw, "json", prompt, JsonObject(value))


def _json_value(draw: Draw) -> Any:
    kind = draw.rng.choice(("people", "cities", "colours", "animals", "nouns"))
    numbers = (draw.rng.randint(0, 99), draw.rng.randint(100, 5000))
    return draw.rng.choice((draw.value(kind), draw.rng.choice(numbers), draw.chance(0.5)))


def _pairs(draw: Draw, value: Mapping[str, Any]) -> str:
    """Return keys and values as a sentence says them."""
    frame = draw.rng.choice(('"{}" is {}', "{} is {}", '"{}" has the value {}', "{} equals {}"))
    quote = "'{}'" if draw.chance(0.3) else '"{}"'
    said_values = [
        frame.format(key, quote.format(each) if isinstance(each, str) else str(each).lower())
        for key, each in value.items()
    ]
    *front, last = said_values
    return f"{', '.join(front)} and {last}" if front else last


def ending(draw: Draw) -> ChatCase:
    """Return a case in which the answer must end with a word."""
    end = draw.rng.choice(_ENDS)
    prompt = draw.worded(
        "ending",
        question=draw.rng.choice(phrases()["open questions"]),
        claim=draw.rng.choice(phrases()["claims"]),
        end=draw.rng.choice(("{}", '"{}"', "'{}'")).format(end),
    )
    return _case(draw, "ending", prompt, EndsWith(end))


def _plain_request(draw: Draw) -> str:
    """Return a message that asks for no form."""
    questions = phrases()["open questions"]
    return draw.rng.choice(questions if draw.chance(0.7) else phrases()["claims"])


def _obeying(draw: Draw, change: Callable[[str], str]) -> list[Message]:
    """Return earlier turns in which the assistant obeyed the system prompt, often none."""
    earlier = draw.turns(draw.rng.randint(1, 3) if draw.chance(0.4) else 0, long=0)
    pairs = zip(said(earlier, "user"), said(earlier, "assistant"), strict=True)
    return [message for user, answer in pairs for message in turn(user, change(answer))]


def system_terse(draw: Draw) -> ChatCase:
    """Return a case whose system prompt asks for terse answers."""
    earlier = _obeying(draw, lambda answer: answer)
    system = draw.worded("system terse")
    return ChatCase("form", "system terse", system, earlier, _plain_request(draw), Terse())


def system_upper(draw: Draw) -> ChatCase:
    """Return a case whose system prompt asks for capital letters."""
    system, earlier = draw.worded("system upper"), _obeying(draw, str.upper)
    return ChatCase("form", "system upper", system, earlier, _plain_request(draw), Capitals())


def system_ending(draw: Draw) -> ChatCase:
    """Return a case whose system prompt asks for answers that end with a word."""
    end = draw.rng.choice(_ENDS)
    system = draw.worded("system ending", end=end)
    earlier = _obeying(draw, lambda answer: f"{answer} {end}")
    return ChatCase("form", "system ending", system, earlier, _plain_request(draw), EndsWith(end))


_QUESTIONS: Sequence[Callable[[Draw], ChatCase]] = (
    _question("one word", "one word questions", OneWord()),
    _question("yes or no", "yes or no questions", YesOrNo()),
    _question("upper answer", "open questions", Capitals()),
    _question("terse", "open questions", Terse()),
)

# The numbers are the weights of the parts.
PARTS: Mapping[Callable[[Draw], ChatCase], int] = {
    **dict(zip(_QUESTIONS, (2, 2, 1, 1), strict=True)),
    upper_phrase: 2,
    listed: 3,
    counted: 2,
    json_object: 2,
    ending: 2,
    system_terse: 1,
    system_upper: 1,
    system_ending: 1,
}
