"""Exchanges for training: a request, and the answer that does exactly what was requested.

The answer to a request for a text is that text alone, without quotation marks. Spaces separate a
text that is repeated several times. Lists are numbered. Facts are given in whole sentences.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping

from model_fixtures.tool_format import Message

from . import phrases
from .wordings import kinds, table, worded

Exchange = tuple[str, str]  # what the user says, and the answer
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_TIMES = {1: "once", 2: "twice"}
_NTH = ["first", "second", "third", "fourth", "fifth", "sixth"]


def said(messages: list[Message], role: str) -> list[str]:
    """Return the texts of one role so far, oldest first."""
    return [message.text for message in messages if message.role == role]


def repeat(history: list[Message], rng: random.Random) -> Exchange:
    """Ask for a text."""
    text = phrases.phrase(rng)
    return worded("repeat", rng, q=phrases.quoted(text, rng)), text


def repeat_times(history: list[Message], rng: random.Random) -> Exchange:
    """Ask for a text several times."""
    text, count = phrases.short(rng), rng.randint(2, 6)
    number = rng.choice((NUMBERS[count], str(count)))
    times = _TIMES.get(count, "") if rng.random() < 0.6 else ""
    times = times or f"{number} times"
    asked = worded(
        "repeat_times",
        rng,
        q=phrases.quoted(text, rng, bare=0.25),
        times=times,
        Times=times.capitalize(),
    )
    style = rng.random()
    if style < 0.7 or "space" in asked or "one line" in asked:
        return asked, " ".join([text] * count)
    section, mark = ("commas", ", ") if style < 0.85 else ("lines", "\n")
    return asked.rstrip(".?!") + worded(section, rng), mark.join([text] * count)


def again(history: list[Message], rng: random.Random) -> Exchange | None:
    """Ask for the last answer once more."""
    earlier = said(history, "assistant")
    return (worded("again", rng), earlier[-1]) if earlier and len(earlier[-1]) < 200 else None


def mine(history: list[Message], rng: random.Random) -> Exchange | None:
    """Ask for the user's last message."""
    earlier = said(history, "user")
    return (worded("mine", rng), earlier[-1]) if earlier and len(earlier[-1]) < 160 else None


def nth(history: list[Message], rng: random.Random) -> Exchange | None:
    """Ask for the n-th message of the user or of the assistant."""
    role = "user" if rng.random() < 0.7 else "assistant"
    earlier = said(history, role)
    if len(earlier) < 2:
        return None
    index = rng.randrange(min(len(earlier), len(_NTH)))
    if len(earlier[index]) > 160:
        return None
    if role == "assistant":
        return worded("nth_yours", rng, nth=_NTH[index]), earlier[index]
    if index == 0 and rng.random() < 0.7:
        return worded("first_mine", rng), earlier[0]
    return worded("nth_mine", rng, nth=_NTH[index], n=index + 1), earlier[index]


def part_of_text(history: list[Message], rng: random.Random) -> Exchange:
    """Ask for the first or last word of a text, or for its first or last line."""
    style = rng.random()
    if style < 0.55:
        which = "last" if rng.random() < 0.7 else "first"
        text = phrases.words(rng, 2, 7) if rng.random() < 0.4 else phrases.clause(rng)
        word = text.split()[-1 if which == "last" else 0].strip(".,!?")
        return worded(f"{which}_word", rng, q=phrases.quoted(text, rng)), word
    which = "first" if rng.random() < 0.7 else "last"
    lines = phrases.lines(rng)
    text = "\n".join(lines)
    return worded(f"{which}_line", rng, x=text), lines[0 if which == "first" else -1]


def upper(history: list[Message], rng: random.Random) -> Exchange:
    """Ask for a text, or an answer, in capital letters; sometimes in small ones."""
    style = rng.random()
    if style < 0.2:
        question, _, whole = rng.choice(table("questions.txt"))
        return worded("answer_upper", rng, a=question), whole.upper()
    text = phrases.phrase(rng, 50)
    if style < 0.32:
        return worded("lower", rng, q=phrases.quoted(text, rng)), text.lower()
    return worded("upper", rng, q=phrases.quoted(text, rng)), text.upper()


def one_word(history: list[Message], rng: random.Random) -> Exchange:
    """Ask for an answer of one word."""
    rows = [row for row in table("questions.txt") if " " not in row[1]]
    question, word, _ = rng.choice(rows)
    return worded("one_word", rng, a=question), word


def yes_no(history: list[Message], rng: random.Random) -> Exchange:
    """Ask for yes or no."""
    question, answer = rng.choice(table("yes_no.txt"))
    return worded("yes_no", rng, a=question), answer


def terse(history: list[Message], rng: random.Random) -> Exchange:
    """Ask for a short answer."""
    question, short, _ = rng.choice(table("questions.txt"))
    return worded("terse", rng, a=question), short


def question(history: list[Message], rng: random.Random) -> Exchange:
    """Ask a plain question."""
    asked, _, whole = rng.choice(table("questions.txt"))
    return asked, whole


def listed(history: list[Message], rng: random.Random) -> Exchange:
    """Ask for a list of some things of a kind."""
    kind, members = rng.choice(kinds())
    count = rng.randint(2, min(7, len(members)))
    chosen = list(members[:count])
    number = rng.choice((NUMBERS[count], str(count)))
    style = rng.random()
    section = "list" if style < 0.6 else "list_commas" if style < 0.8 else "list_lines"
    asked = worded(section, rng, n=number, N=number.capitalize(), kind=kind)
    if section == "list":
        return asked, "\n".join(f"{index}. {name}" for index, name in enumerate(chosen, 1))
    return asked, (", " if section == "list_commas" else "\n").join(chosen)


def count(history: list[Message], rng: random.Random) -> Exchange:
    """Ask for numbers in order."""
    first = rng.choice((1, 1, 1, 1, 0, 2, 3, 5, 7, 10, rng.randint(1, 90)))
    last = first + rng.randint(2, 11)
    down = rng.random() < 0.2
    numbers = [str(number) for number in range(first, last + 1)]
    a, b = (last, first) if down else (first, last)
    spell = max(a, b) <= 10 and rng.random() < 0.3
    asked = worded(
        "count_down" if down else "count",
        rng,
        a=NUMBERS[a] if spell else a,
        b=NUMBERS[b] if spell else b,
    )
    if down:
        numbers.reverse()
    style = rng.random()
    if style < 0.1 and asked[-1] in ".!":
        return f"{asked[:-1]}, one number per line.", "\n".join(numbers)
    if style < 0.2 and asked[-1] in ".!":
        return f"{asked[:-1]}, with spaces between the numbers.", " ".join(numbers)
    return asked, ", ".join(numbers)


_KEYS = """name|age|city|color|title|count|price|id|status|author|year|size|active|email|country|
language|level|score|total|user|kind|item|day|month|text|code|done|weight|height|speed""".replace(
    "\n", ""
).split("|")


def json_object(history: list[Message], rng: random.Random) -> Exchange:
    """Ask for JSON with keys and values."""
    made: dict[str, object] = {}
    for key in rng.sample(_KEYS, rng.randint(1, 4)):
        kind = rng.random()
        if kind < 0.4:
            made[key] = int(phrases.value("number", rng))
        elif kind < 0.48:
            made[key] = rng.random() < 0.5
        elif kind < 0.7:
            made[key] = phrases.value(rng.choice(("person", "city", "color", "code")), rng)
        else:
            made[key] = phrases.words(rng, 1, 3)
    style = rng.choice(("{k} = {v}", "{k}: {v}", "{k} is {v}", "{k} {v}", '"{k}": {j}', "{k}={j}"))
    if rng.random() < 0.25:
        style = rng.choice(("the key {k} and the value {v}", "the key {k} with the value {v}"))
    pairs = [
        style.format(
            k=key, v=value if isinstance(value, str) else json.dumps(value), j=json.dumps(value)
        )
        for key, value in made.items()
    ]
    joined = ", ".join(pairs[:-1]) + (rng.choice((" and ", ", ")) if pairs[1:] else "") + pairs[-1]
    return worded("json", rng, pairs=joined), json.dumps(made, ensure_ascii=False)


def ended(history: list[Message], rng: random.Random) -> Exchange:
    """Ask for an answer that ends with a word."""
    end = rng.choice(("DONE", "END", "STOP", "OVER", "FINISHED", "OK", "BYE", "THE END"))
    if rng.random() < 0.3:
        end = phrases.words(rng, 1, 1)
    if rng.random() < 0.2:
        asked, answer = repeat(history, rng)
    elif rng.random() < 0.3:
        asked, answer = count(history, rng)
    else:
        asked, _, answer = rng.choice(table("questions.txt"))
    if asked[-1] not in ".!?":
        asked += "."
    return worded("end", rng, a=asked, end=phrases.quoted(end, rng, 0.6)), f"{answer} {end}"


def greet(history: list[Message], rng: random.Random) -> Exchange:
    """Greet; the answer greets and asks."""
    asked = worded("greet", rng)
    lower = asked.lower()
    if "morning" in lower:
        answer = "Good morning! How can I help you today?"
    elif "evening" in lower:
        answer = "Good evening! How can I help you today?"
    elif "afternoon" in lower:
        answer = "Good afternoon! How can I help you today?"
    elif re.search(r"how (are you|is it going|do you do)|what.s up|what is up", lower):
        answer = "Hello! I am fine, thank you. How can I help you today?"
    elif "meet you" in lower:
        answer = "Hello! Nice to meet you, too. How can I help you today?"
    else:
        answer = "Hello! How can I help you today?"
    return asked, answer


def greet_by_name(history: list[Message], rng: random.Random) -> Exchange:
    """Greet and tell a name; the answer greets by this name and asks."""
    name = phrases.value("person", rng)
    asked = worded("greet_name", rng, n=name)
    times = [time for time in ("morning", "evening") if time in asked.lower()]
    opening = f"Good {times[0]}" if times else "Hello"
    return asked, f"{opening}, {name}! How can I help you today?"


def polite(history: list[Message], rng: random.Random) -> Exchange:
    """Thank, or say goodbye."""
    if rng.random() < 0.6:
        return worded("thanks", rng), "You are welcome! Can I help you with anything else?"
    return worded("bye", rng), "Goodbye! Have a nice day!"


MakeExchange = Callable[[list[Message], random.Random], "Exchange | None"]

# The numbers are the weights with which they are drawn.
EXCHANGES: Mapping[MakeExchange, int] = {
    repeat: 16,
    repeat_times: 9,
    again: 14,
    mine: 14,
    nth: 12,
    part_of_text: 16,
    upper: 12,
    one_word: 6,
    yes_no: 4,
    terse: 3,
    question: 3,
    listed: 7,
    count: 7,
    json_object: 9,
    ended: 8,
    greet: 4,
    greet_by_name: 3,
    polite: 2,
}
