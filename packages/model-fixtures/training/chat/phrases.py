"""Random values: phrases to repeat, facts to remember, and the marks around what is quoted."""

from __future__ import annotations

import random

from training.tool_use import argument_values as values

_SUBJECTS = """the cat|my sister|our teacher|a small bird|the old man|every child|the train|nobody|
the doctor|his brother|the red car|a friend of mine|the king|the whole team|our neighbor|she|he|we|
they|I|the moon|a cold wind|the sailor|my computer|the river|that book|
a stranger|the baker""".replace("\n", "").split("|")
_VERBS = """sees|finds|likes|carries|remembers|forgets|paints|follows|needs|wants|opens|closes|buys|
sells|hides|breaks|mends|visits|watches|leaves|counts|drinks|hears|keeps|loses""".replace(
    "\n", ""
).split("|")
_OBJECTS = """the door|a letter|two apples|the garden|an old song|some water|the answer|his hat|
a new house|the blue box|a secret|the last page|every window|the way home|a green stone|the key|
a long story|warm bread|three horses|the clock|an open book|the north wind|silver coins""".replace(
    "\n", ""
).split("|")
_ENDS = """today|in the morning|at night|near the lake|without a word|again and again|on Monday|
before dinner|in the rain|with great care|for the first time|in silence|far away|once more|
after all|under the bridge|at seven o'clock|by mistake|for a while""".replace("\n", "").split("|")
_INTERJECTIONS = (
    *("Yes", "No", "Well", "Look", "Indeed"),
    *("Oh no", "Of course", "At last", "Sure", "Okay"),
)
_PAIRS = (('"', '"'), ("'", "'"), ("“", "”"), ("`", "`"), ("«", "»"), ("<", ">"), ("*", "*"))


def clause(rng: random.Random) -> str:
    """Return a plain sentence with a capital letter; most end with a punctuation mark."""
    words = f"{rng.choice(_SUBJECTS)} {rng.choice(_VERBS)} {rng.choice(_OBJECTS)}"
    if rng.random() < 0.5:
        words += f" {rng.choice(_ENDS)}"
    if rng.random() < 0.1:
        words = f"{rng.choice(_INTERJECTIONS)}, {words}"
    return words[0].upper() + words[1:] + rng.choice((".", ".", ".", "!", "?", ""))


def words(rng: random.Random, low: int = 1, high: int = 5) -> str:
    """Return some words in a row, real and made up."""
    return " ".join(values.word(rng) for _ in range(rng.randint(low, high)))


def _numbers(rng: random.Random) -> str:
    mark = rng.choice((" ", ", ", "-", " "))
    return mark.join(str(values.integer(rng) % 1000) for _ in range(rng.randint(1, 6)))


def _mixed(rng: random.Random) -> str:
    parts = [
        rng.choice((values.word, values.person, values.city, code, clock, values.filename))(rng)
        for _ in range(rng.randint(1, 4))
    ]
    return rng.choice((" ", ", ", " and ", ": ", " - ")).join(parts)


def phrase(rng: random.Random, longest: int = 80) -> str:
    """Return a text of one line to be repeated: words, sentences, numbers, codes, names."""
    makers = (words, words, clause, clause, clause, values.sentence, _numbers, _mixed, values.email)
    while True:
        made = rng.choice(makers)(rng)
        if rng.random() < 0.12:
            made = f"{made} {rng.choice(makers)(rng)}"
        if rng.random() < 0.05:
            made = made.upper()
        if rng.random() < 0.08:
            made = made.lower()
        if len(made) <= longest:
            return made


def short(rng: random.Random) -> str:
    """Return a short text, mostly one or two words, to be repeated several times."""
    return words(rng, 1, 2) if rng.random() < 0.8 else phrase(rng, 30)


def lines(rng: random.Random) -> list[str]:
    """Return the lines of a short text."""
    return [phrase(rng, 50) for _ in range(rng.randint(2, 5))]


def quoted(text: str, rng: random.Random, bare: float = 0.35) -> str:
    """Return a text in quotation marks of some kind, or in a share ``bare`` without any."""
    if rng.random() < bare:
        return text
    left, right = rng.choice(_PAIRS[:3] if rng.random() < 0.85 else _PAIRS)
    return text if left in text or right in text else f"{left}{text}{right}"


def code(rng: random.Random) -> str:
    """Return a code such as ``KX-4711`` or ``7F2Q``."""
    letters = "".join(rng.choice("ABCDEFGHKLMNPRSTXZ") for _ in range(rng.randint(1, 3)))
    digits = str(rng.randint(10, 99999))
    return rng.choice((f"{letters}-{digits}", f"{letters}{digits}", digits, f"{digits}{letters}"))


def clock(rng: random.Random) -> str:
    """Return a time of day such as ``7:30`` or ``14:05``."""
    return f"{rng.randint(0, 23)}:{rng.randint(0, 59):02}"


_LISTS = {
    "color": "red|green|blue|yellow|purple|orange|white|black|pink|brown|gray|teal|silver|gold",
    "job": "teacher|nurse|pilot|farmer|painter|driver|cook|lawyer|singer|writer|plumber|sailor"
    "|baker",
    "food": "pizza|soup|pasta|rice|cheese|salad|bread|fish|chocolate|pancakes|noodles|potatoes"
    "|curry",
    "drink": "tea|coffee|milk|water|juice|lemonade|cocoa|apple juice|mint tea|hot chocolate",
    "country": "France|Italy|Spain|Japan|Brazil|Canada|Egypt|Kenya|Norway|Peru|Chile|Poland|Greece",
    "hobby": "reading|painting|fishing|cooking|hiking|gardening|knitting|dancing|sailing|running",
    "animal": "dog|horse|cat|lion|wolf|bear|fox|owl|eagle|rabbit|tiger|turtle|dolphin|elephant",
    "instrument": "piano|guitar|violin|flute|drum|trumpet|harp|cello|clarinet|organ",
    "weekday": "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday",
}


def value(kind: str, rng: random.Random) -> str:
    """Return a value of a kind that ``attributes.txt`` names; some are made-up words."""
    if kind in _LISTS:
        if rng.random() < 0.12 and kind != "weekday":
            return values.pseudo(rng)
        return rng.choice(_LISTS[kind].split("|"))
    makers = {
        "person": values.person,
        "city": values.city,
        "word": lambda rng: values.word(rng) if rng.random() < 0.8 else words(rng, 2, 2),
        "code": code,
        "time": clock,
        "file": values.filename,
    }
    if kind in makers:
        return makers[kind](rng)
    if kind == "age":
        return str(rng.randint(5, 99))
    return str(abs(values.integer(rng)) % rng.choice((100, 1000, 10000, 1000000)))
