"""How people wrap a request into a sentence. Every second list is for evaluation only."""

from __future__ import annotations

import json
import random

from . import values
from .families import Request

_ONE = """{Do}.|{Do}|{Do}.|Please {do}.|Can you {do}?|Could you {do}?|{Do}, please.|
I want you to {do}.|I need you to {do}.|Use a tool to {do}.|Please use the tools to {do}.|
Use the {tool} tool to {do}.|Would you {do} for me?|Now {do}.|Hey, {do}.|My task for you: {do}.|
Use {tool} to {do}.|Please {do} with the {tool} tool.|Let us {do}."""
_HELD_ONE = """Kindly {do}.|I'd like you to {do}.|Go ahead and {do}.|
It would be great if you {do}.|
Your job is to {do}.|With the help of {tool}, {do}."""
_TWO = """{Do} and {do2}.|{Do}. Also {do2}.|{Do} and also {do2}.|Please {do} and {do2}.|
I need two things: {do} and {do2}.|{Do}, then {do2}.|First {do}, then {do2}.|{Do}. {Do2}.|
Can you {do} and {do2}?|Do two things: {do}, and {do2}.|{Do} and after that {do2}.|
{Do}. Then {do2}.|1. {Do} 2. {Do2}|Please {do}. Please also {do2}.|
Could you {do} and then {do2}?"""
_HELD_TWO = """Would you mind doing both: {do} and {do2}?|{Do}; {do2}.|
I want you to {do} as well as {do2}.|
There are two jobs: {do}; and {do2}.|Kindly {do}, and in addition {do2}."""
_CHAIN = """First {do}, then {do2}.|{Do}, then {do2}.|{Do}. Then {do2}.|{Do} and then {do2}.|
{Do} and after that {do2}.|Please {do} and then {do2}.|Can you {do} and then {do2}?|
{Do}. After that, {do2}.|Please {do}. Next, {do2}.|{Do}, and when you have it, {do2}."""
_HELD_CHAIN = """Step one: {do}. Step two: {do2}.|Start like this: {do}. Afterwards {do2}.|
{Do}. Once that is done, {do2}.|I'd like you to {do} and finally {do2}."""
_SAY = """Say {x}, then {do}.|Say {x} and then {do}.|First say {x}, then {do}.|
Say {x} first, then {do}.|
Please say {x} and {do}.|Say {x}. Then {do}.|Before you {do}, say {x}.|
Start with the words {x}, then {do}.|
Write {x}, then {do}.|{Do}, but say {x} first.|Begin with {x} and then {do}.|
Say {x} before you {do}.|First write {x}. Then {do}.|Answer {x} and then {do}."""
_HELD_SAY = """Open with {x}, and only then {do}.|I want you to say {x} first and then {do}.|
Please begin by saying {x}; afterwards {do}.|Kindly say {x} before you {do}."""
_AFTER = """{Do}, then say {x}.|{Do} and say {x} when you are done.|{Do}. After that say {x}.|
{Do} and finish with {x}.|First {do}, then say {x}."""
_HELD_AFTER = "{Do}; at the end say {x}.|{Do} and close with the words {x}."
_TAILS = ("Use the tools.", "Use the tool.", "Tell me the result.", "Answer in one sentence.")
_GREETINGS = """hi|hello|hey|hi there|hello there|good morning|good evening|welcome|greetings|ok|
okay|yes|
sure|of course|let me see|one moment|thank you|no problem|hello world|good day|here we go|ready"""
_HELD_GREETINGS = "howdy|good afternoon|right away|as you wish|hold on|happy to help|ahoy"
_SPECIAL = (
    ("Greet me, then {do}.", "Hello!"),
    ("Greet me first and then {do}.", "Hello!"),
    ("Tell me what you are going to do, then {do}.", "I will {do}."),
    ("Explain in one sentence what you will do and then {do}.", "I will {do}."),
    ("Say that you will help me, then {do}.", "I will help you."),
    ("Say hi to {p}, then {do}.", "Hi {p}!"),
    ("Greet {p} first, then {do}.", "Hello {p}!"),
    ("Wish me a nice day and then {do}.", "Have a nice day!"),
)


def options(text: str) -> list[str]:
    """Return the entries of a list in one string."""
    return [part for part in text.replace("\n", "").split("|") if part]


def _fill(template: str, first: Request, second: Request | None = None, x: str = "") -> str:
    texts = {"do": first.words, "Do": first.words[:1].upper() + first.words[1:], "x": x}
    texts["tool"] = first.tool.name
    if second is not None:
        texts["do2"] = second.words
        texts["Do2"] = second.words[:1].upper() + second.words[1:]
    return template.format(**texts)


def one(request: Request, held: bool, rng: random.Random) -> str:
    """Return a sentence that asks for one call (``request.words`` is an imperative phrase)."""
    text = _fill(rng.choice(options(_HELD_ONE if held else _ONE)), request)
    return _tail(text, rng)


def _tail(text: str, rng: random.Random) -> str:
    if rng.random() < 0.07:
        text = f"{text} {rng.choice(_TAILS)}"
    if rng.random() < 0.05:
        text = f"{rng.choice(('Hi!', 'Hello.', 'Hey!'))} {text}"
    return text


def asked(request: Request, rng: random.Random) -> str:
    """Return a question (``request.words`` is a whole sentence), now and then with a hint."""
    if rng.random() < 0.08:
        hint = rng.choice(("Use the {t} tool.", "Use {t}.", "Use the tool {t} for it."))
        return f"{request.words} {hint.format(t=request.tool.name)}"
    return _tail(request.words, rng)


def explicit(request: Request, rng: random.Random) -> str:
    """Return an order that spells out the call."""
    name = request.tool.name
    if not request.arguments:
        return rng.choice((f"Call {name}.", f"Call the {name} tool.", f"Use the tool {name}."))
    equals = rng.choice(("=", " = ", " "))
    pairs = [
        f"{key}{equals}{json.dumps(value, ensure_ascii=False)}"
        for key, value in request.arguments.items()
    ]
    head = rng.choice(("Call {t} with {p}.", "Call the {t} tool with {p}.", "Use {t} with {p}."))
    return head.format(t=name, p=values.listing(pairs))


def both(first: Request, second: Request, held: bool, rng: random.Random) -> str:
    """Return a sentence that asks for two independent calls."""
    return _fill(rng.choice(options(_HELD_TWO if held else _TWO)), first, second)


def chain(first: Request, second: Request, held: bool, rng: random.Random) -> str:
    """Return a sentence whose second request needs the first one's result."""
    return _fill(rng.choice(options(_HELD_CHAIN if held else _CHAIN)), first, second)


def _saying(held: bool, rng: random.Random) -> tuple[str, str]:
    """Return words to say, as the prompt has them and as the assistant says them."""
    style = rng.random()
    if style < 0.35:
        plain = rng.choice(options(_HELD_GREETINGS if held else _GREETINGS))
        if rng.random() < 0.4:
            return plain, plain[0].upper() + plain[1:]
        said = plain[0].upper() + plain[1:] + rng.choice(("", "!", "."))
    elif style < 0.5:
        said = " ".join(values.word(rng) for _ in range(rng.randint(1, 3)))
    elif style < 0.65:
        said = f"{rng.choice(('Hello', 'Hi', 'Welcome'))} {values.person(rng)}!"
    else:
        said = values.sentence(rng)
    mark = rng.choice(("'", '"'))
    return f"{mark}{said}{mark}", said


def say_first(request: Request, held: bool, rng: random.Random) -> tuple[str, str]:
    """Return (prompt, the words that come before the call)."""
    if not held and rng.random() < 0.15:
        template, said = rng.choice(_SPECIAL)
        person = values.person(rng)
        template, said = template.replace("{p}", person), said.replace("{p}", person)
        return template.format(do=request.words), said.format(do=request.words)
    shown, said = _saying(held, rng)
    return _fill(rng.choice(options(_HELD_SAY if held else _SAY)), request, x=shown), said


def say_after(request: Request, held: bool, rng: random.Random) -> tuple[str, str]:
    """Return (prompt, the words that come after the answer)."""
    shown, said = _saying(held, rng)
    return _fill(rng.choice(options(_HELD_AFTER if held else _AFTER)), request, x=shown), said
