"""Results and errors of tools, and the assistant's answers to them."""

from __future__ import annotations

import json
import operator
import random
from dataclasses import dataclass
from typing import Any

from . import argument_values
from .tool_families import ToolRequest


@dataclass(frozen=True)
class ToolOutcome:
    """A result or an error of a call.

    ``content`` is its text for the model, ``answer`` is the assistant's sentence about it, and
    ``needles`` are the texts that an answer must contain.
    """

    content: str
    answer: str
    needles: list[str]
    value: Any = None  # the bare result, if a later call can use it


_SKIES = ("sunny", "cloudy", "rainy", "windy", "foggy", "snowy", "clear", "stormy")
_STATES = ("shipped", "open", "closed", "pending", "delivered", "running", "failed", "done", "lost")
_OKS = ("ok", "OK", "Done", "done", "success", "Success", "saved", "True")
_NUMBER = ("The result is {r}.", "The result is {r}.", "The answer is {r}.")
_TEXT = ("The result is: {r}", "The result is {r}", "Here is the result: {r}")

# The gaps are {n} for a number, {w} for a word and {f} for a file name.
_ERRORS = """division by zero|file {f} not found|permission denied|{w} is not a valid name|
connection refused|timed out after {n} seconds|invalid argument {w}|no such user: {w}|
the service is not available|disk full|network is down|access to {f} denied|unknown city {w}|
value {n} is out of range|only positive numbers are allowed|rate limit reached|
quota of {n} exceeded|
missing key {w}|the {w} server is offline|file {f} already exists|not enough memory|invalid token|
could not parse {w}|out of stock|the printer is out of paper|cannot divide by zero|{w} is locked|
too many requests|list index out of range|unsupported operation|bad input|something went wrong|
no route to host|expected a number but got {w}|the calendar is read only|
login required""".replace("\n", "").split("|")
_HELD_ERRORS = """battery too low|the sensor {w} does not respond|wrong password|
account {n} is suspended|cannot reach the {w} gateway|the folder {w} is empty|payment declined|
number {n} is too large|file {f} is corrupt|the request was rejected|
negative values are forbidden|
the queue is full|tool is under maintenance|no data for {w}""".replace("\n", "").split("|")
_EXCEPTIONS = [
    "ValueError",
    "RuntimeError",
    "KeyError",
    "OSError",
    "FileNotFoundError",
    "PermissionError",
]
_SORRY = (
    "Sorry, the {tool} tool failed: {e}.",
    "I could not do that: the {tool} tool failed with the error: {e}.",
    "The {tool} tool reported an error: {e}.",
)


def _pack(value: Any, rng: random.Random) -> str:
    """Return a result as clients send it: as JSON, mostly the bare value."""
    style = rng.random()
    if style < 0.12:
        value = {"result": value}
    elif style < 0.17:
        value = {"status": "ok", "result": value}
    elif style < 0.28 and isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _calc(request: ToolRequest, sign: str) -> int | float:
    a, b = (request.arguments[request.tool.names[key]] for key in ("a", "b"))
    exact = {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign](a, b)
    return exact if isinstance(exact, int) else round(exact, 3)


def _make(request: ToolRequest, rng: random.Random) -> tuple[Any, str, list[str]]:
    """Return a random result, its wording, and the texts that the answer must contain."""
    kind = request.tool.family.gives
    if kind.startswith("calc"):
        number = _calc(request, kind[4])
        return number, str(number), [str(number)]
    if kind == "num":
        drawn = argument_values.number(rng)
        return drawn, str(drawn), [str(drawn)]
    if kind == "weather":
        sky, degrees = rng.choice(_SKIES), rng.randint(-20, 45)
        style = rng.random()
        if style < 0.4:
            return (
                {"temperature": degrees, "condition": sky},
                f"{sky}, {degrees} degrees",
                [
                    sky,
                    str(degrees),
                ],
            )
        if style < 0.6:
            return sky, sky, [sky]
        text = rng.choice(
            (f"{sky}, {degrees} degrees", f"{sky}, {degrees}°C", f"{degrees} and {sky}")
        )
        return text, text, [text]
    if kind == "bool":
        answer = rng.random() < 0.5
        return answer, "true" if answer else "false", ["true" if answer else "false"]
    if kind in ("list", "obj"):
        if kind == "list":
            items: list[Any] = [
                argument_values.filename(rng) if rng.random() < 0.5 else argument_values.word(rng)
                for _ in range(rng.randint(1, 4))
            ]
            return items, argument_values.listing(items), items
        pairs: dict[str, Any] = {
            "id": argument_values.integer(rng) % 1000,
            "name": argument_values.word(rng),
        }
        if rng.random() < 0.5:
            pairs["status"] = rng.choice(_STATES)
        said = ", ".join(f"{key} {value}" for key, value in pairs.items())
        return pairs, said, [str(value) for value in pairs.values()]
    if kind == "up":
        text = str(next(iter(request.arguments.values()))).upper()
        return text, text, [text]
    if kind == "price":
        price = round(rng.uniform(1, 900), 2)
        return price, str(price), [str(price)]
    if kind == "state":
        state = rng.choice(_STATES)
        return state, state, [state]
    made = str(argument_values.KINDS[kind][1](rng).value)
    return made, made, [made]


def outcome(request: ToolRequest, rng: random.Random) -> ToolOutcome:
    """Return a random result of the call of ``request``."""
    family = request.tool.family
    if family.gives == "ok":
        return _done(request, rng)
    value, said, needles = _make(request, rng)
    if family.say and rng.random() < 0.75:
        template = rng.choice(family.say)
    elif family.gives in ("text", "up", "list", "obj", "word"):
        template = rng.choice(_TEXT)
    else:
        template = rng.choice(_NUMBER)
    answer = template.format(r=said, **request.texts)
    return ToolOutcome(_pack(value, rng), answer, needles, value)


def _done(request: ToolRequest, rng: random.Random) -> ToolOutcome:
    """Return the result of an action: nothing, a word, or a sentence about the action."""
    style = rng.random()
    if style < 0.2:
        empty = rng.choice(("null", "null", "true", '""', "{}"))
        return ToolOutcome(empty, "Done.", ["done"])
    if style < 0.5:
        word = rng.choice(_OKS)
        return ToolOutcome(_pack(word, rng), f"Done: {word}.", [word])
    texts = [text for text in request.texts.values() if len(text) < 40]
    about = rng.choice(texts) if texts else "it"
    number = argument_values.integer(rng) % 10_000
    report = rng.choice(
        (
            f"{about} was saved",
            f"Finished {about}",
            f"Created {about}",
            f"{about} is done",
            f"Saved with number {number}",
            f"wrote {number} bytes",
            f"Request {number} accepted",
            f"{about}: {argument_values.word(rng)}",
        )
    ).replace('"', "'")
    if rng.random() < 0.25:
        pair = {"status": rng.choice(_OKS).lower(), "id": number}
        said = f"Done: status {pair['status']}, id {number}."
        return ToolOutcome(json.dumps(pair), said, [str(number)])
    return ToolOutcome(_pack(report, rng), f"Done: {report}.", [report])


def failure(request: ToolRequest, held_out: bool, rng: random.Random) -> ToolOutcome:
    """Return an error of the call, in one of the forms in which clients report errors."""
    template = rng.choice(_HELD_ERRORS if held_out else _ERRORS)
    text = template.format(
        n=abs(argument_values.integer(rng)) % 5000,
        w=argument_values.word(rng),
        f=argument_values.filename(rng),
    )
    if rng.random() < 0.2:
        text = text[0].upper() + text[1:]
    name = request.tool.name
    style = rng.random()
    if style < 0.5:
        raised = rng.choice(_EXCEPTIONS)
        content = json.dumps(f"Unhandled Python exception: {raised}({text!r})")
    elif style < 0.62:
        content = json.dumps({"error": text})
    elif style < 0.74:
        content = rng.choice((f"Error: {text}", json.dumps(f"Error: {text}")))
    elif style < 0.82:
        text = f"Cannot find tool with name {name}"
        content = f"{text}."
    elif style < 0.9:
        key = next(iter(request.arguments), "value")
        text = (
            f"Failed to parse arguments for tool {name}: Expected `int`, got `str` - at `$.{key}`"
        )
        content = text
    else:
        content = json.dumps(text)
        if "error" not in text:
            content = json.dumps(f"error: {text}")
    answer = rng.choice(_SORRY).format(tool=name, e=text)
    return ToolOutcome(content, answer, [text])
