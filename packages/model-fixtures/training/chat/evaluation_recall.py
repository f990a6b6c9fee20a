"""Cases in which something said before is to be recalled: facts, names, whole messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from model_fixtures.tool_format import Message

from .chat_judge import Exactly, Holds
from .evaluation_draws import ChatCase, Draw, Fact, facts, said

_NTH = ("first", "second", "third", "fourth", "fifth")
_MOST = 7  # turns before the last user message


def _told(draw: Draw, fact: Fact, value: str) -> list[Message]:
    return draw.acknowledged(draw.rng.choice(fact.told).format(v=value))


def _shuffled(draw: Draw, told: Sequence[list[Message]]) -> list[Message]:
    """Return the turns in any order, with turns about something else among them."""
    other = draw.turns(draw.rng.randint(0, _MOST - len(told)))
    blocks = [*told, *(other[place : place + 2] for place in range(0, len(other), 2))]
    draw.rng.shuffle(blocks)
    return [message for block in blocks for message in block]


def _alike(draw: Draw, fact: Fact) -> Fact:
    """Return another fact of the same kind."""
    return draw.rng.choice([e for e in facts() if e.kind == fact.kind and e is not fact])


def _unlike(draw: Draw, fact: Fact) -> Fact:
    """Return a fact of another kind."""
    return draw.rng.choice([each for each in facts() if each.kind != fact.kind])


def one_fact(draw: Draw) -> ChatCase:
    """Return a case that asks for a fact; the user may also have told a fact of another kind."""
    fact = draw.rng.choice(facts())
    value = draw.value(fact.kind)
    told = [_told(draw, fact, value)]
    if draw.chance(0.5):
        other = _unlike(draw, fact)
        told.append(_told(draw, other, draw.value(other.kind)))
    earlier = _shuffled(draw, told)
    prompt = draw.rng.choice(fact.asked)
    return ChatCase("recall", "one fact", draw.system(), earlier, prompt, Holds(value))


def of_two_facts(draw: Draw) -> ChatCase:
    """Return a case that asks for one of two told facts of the same kind."""
    fact = draw.rng.choice(facts())
    value, other = draw.values(fact.kind, 2)
    told = [_told(draw, fact, value), _told(draw, _alike(draw, fact), other)]
    earlier = _shuffled(draw, told)
    prompt = draw.rng.choice(fact.asked)
    return ChatCase("recall", "of two facts", draw.system(), earlier, prompt, Holds(value, [other]))


def corrected(draw: Draw) -> ChatCase:
    """Return a case that asks for a fact that was corrected."""
    fact = draw.rng.choice(facts())
    value, old = draw.values(fact.kind, 2)
    correction = draw.rng.choice(fact.corrected).format(v=value)
    earlier = [
        *draw.turns(draw.rng.randint(0, 1)),
        *_told(draw, fact, old),
        *draw.turns(draw.rng.randint(0, 2)),
        *draw.acknowledged(correction, "corrected"),
        *draw.turns(draw.rng.randint(0, 2)),
    ]
    prompt = draw.rng.choice(fact.asked)
    return ChatCase("recall", "corrected fact", draw.system(), earlier, prompt, Holds(value, [old]))


def fact_in_system(draw: Draw) -> ChatCase:
    """Return a case that asks for a fact about the user in the system prompt."""
    known = [fact for fact in facts() if fact.noted]
    chosen = draw.rng.sample(known, draw.rng.randint(1, 3))
    fact = chosen[0]
    # One more value than there are facts, for each kind: no two facts share one.
    pools = {each.kind: draw.values(each.kind, 3) for each in chosen}
    values = {each.key: pools[each.kind].pop() for each in chosen}
    notes = [draw.rng.choice(each.noted).format(v=values[each.key]) for each in chosen]
    draw.rng.shuffle(notes)
    system = draw.worded("facts in system", notes=" ".join(notes))
    others = [values[each.key] for each in chosen[1:] if each.kind == fact.kind]
    rule = Holds(values[fact.key], others)
    prompt = draw.rng.choice(fact.asked)
    return ChatCase("recall", "fact in system prompt", system, _few_turns(draw), prompt, rule)


def _few_turns(draw: Draw) -> list[Message]:
    return draw.turns(draw.rng.randint(0, 3))


def _of_assistant(what: str, values: str) -> Callable[[Draw], ChatCase]:
    """Return a function that makes cases about what the system prompt says of the assistant."""

    def make(draw: Draw) -> ChatCase:
        value = draw.value(values)
        system = draw.worded(f"{what} of assistant", **{what: value})
        prompt = draw.worded(f"ask {what} of assistant")
        part = f"assistant's {what}"
        return ChatCase("recall", part, system, _few_turns(draw), prompt, Holds(value))

    return make


def secret(draw: Draw) -> ChatCase:
    """Return a case that asks for a word that the system prompt gives."""
    value = draw.value("secrets")
    what = draw.rng.choice(("magic word", "keyword", "passphrase"))
    system = draw.worded("secret in system", what=what, secret=value)
    prompt = draw.worded("ask secret", what=what)
    return ChatCase("recall", "secret word", system, _few_turns(draw), prompt, Holds(value))


def nth_message(draw: Draw) -> ChatCase:
    """Return a case that asks for the n-th message of the user."""
    earlier = draw.turns(draw.rng.randint(2, _MOST), long=0.2)
    texts = said(earlier, "user")
    place = draw.rng.choice([0, 0, 1, 1, *range(2, min(len(texts), len(_NTH)))])
    prompt = draw.worded("nth message", nth=_NTH[place], n=place + 1)
    rule = Exactly(texts[place])
    return ChatCase("recall", "n-th message", draw.system(), earlier, prompt, rule)


def first_answer(draw: Draw) -> ChatCase:
    """Return a case that asks for the assistant's first answer."""
    earlier = draw.turns(draw.rng.randint(2, _MOST), long=0.2)
    rule = Exactly(said(earlier, "assistant")[0])
    prompt = draw.worded("first answer")
    return ChatCase("recall", "first answer", draw.system(), earlier, prompt, rule)


# The numbers are the weights of the parts.
PARTS: Mapping[Callable[[Draw], ChatCase], int] = {
    one_fact: 5,
    of_two_facts: 4,
    corrected: 3,
    fact_in_system: 2,
    _of_assistant("name", "assistants"): 1,
    _of_assistant("role", "roles"): 1,
    secret: 1,
    nth_message: 2,
    first_answer: 1,
}
