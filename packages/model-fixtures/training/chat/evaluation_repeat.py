"""Cases in which something is to be repeated: a phrase, a message, a part of a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .chat_judge import Exactly, Times
from .evaluation_draws import ChatCase, Draw, phrases, said

_COUNTS = {2: ("twice", "two times", "2 times", "2x"), 3: ("three times", "3 times", "thrice")}
_NAMES = {4: "four", 5: "five", 6: "six"}


def _start(draw: Draw, most: int = 3) -> int:
    """Return a number of earlier turns, which is often 0."""
    return draw.rng.randint(1, most) if draw.chance(0.4) else 0


def once(draw: Draw) -> ChatCase:
    """Return a case in which a phrase is to be repeated once."""
    phrase = draw.phrase()
    prompt = draw.worded("repeat once", q=draw.quoted(phrase), phrase=phrase)
    earlier = draw.turns(_start(draw))
    return ChatCase("repeat", "once", draw.system(), earlier, prompt, Exactly(phrase))


def times(draw: Draw) -> ChatCase:
    """Return a case in which a phrase is to be repeated two to six times."""
    phrase, count = draw.phrase(), draw.rng.randint(2, 6)
    named = _COUNTS.get(count) or (f"{_NAMES[count]} times", f"{count} times")
    prompt = draw.worded(
        "repeat times", q=draw.quoted(phrase), phrase=phrase, times=draw.rng.choice(named)
    )
    earlier = draw.turns(_start(draw))
    return ChatCase("repeat", "times", draw.system(), earlier, prompt, Times(phrase, count))


def again(draw: Draw) -> ChatCase:
    """Return a case in which the assistant is to repeat its previous message."""
    earlier = draw.turns(draw.rng.randint(1, 7), long=0.2)
    rule = Exactly(said(earlier, "assistant")[-1])
    return ChatCase("repeat", "again", draw.system(), earlier, draw.worded("again"), rule)


def mine(draw: Draw) -> ChatCase:
    """Return a case in which the user's previous message is to be repeated."""
    earlier = draw.turns(draw.rng.randint(1, 7), long=0.2)
    rule = Exactly(said(earlier, "user")[-1])
    return ChatCase("repeat", "mine", draw.system(), earlier, draw.worded("mine"), rule)


def _word(section: str, place: int) -> Callable[[Draw], ChatCase]:
    def make(draw: Draw) -> ChatCase:
        text = draw.rng.choice(phrases()["texts"])
        prompt = draw.worded(section, text=text, q=draw.quoted(text))
        rule = Exactly(text.split()[place].strip(".,!?"))
        return ChatCase("repeat", section, draw.system(), draw.turns(_start(draw)), prompt, rule)

    return make


def first_line(draw: Draw) -> ChatCase:
    """Return a case in which the first line of a text is to be repeated."""
    lines = draw.rng.choice(phrases()["stanzas"]).split(" / ")
    prompt = draw.worded("first line", lines="\n".join(lines))
    earlier = draw.turns(_start(draw))
    return ChatCase("repeat", "first line", draw.system(), earlier, prompt, Exactly(lines[0]))


# The numbers are the weights of the parts.
PARTS: Mapping[Callable[[Draw], ChatCase], int] = {
    once: 6,
    times: 4,
    again: 3,
    mine: 3,
    _word("last word", -1): 2,
    _word("first word", 0): 1,
    first_line: 1,
}
