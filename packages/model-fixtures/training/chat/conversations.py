"""Conversations: a system prompt, and exchanges that may refer to what was said before."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from model_fixtures.tool_format import Message

from . import phrases
from .exchanges import EXCHANGES, said
from .wordings import Attribute, attributes, worded

GENERIC = (
    "You are a helpful assistant.",
    "You are a helpful AI assistant.",
    "You are an assistant that follows instructions exactly.",
    "You answer the user's questions.",
    "Follow the user's instructions to the letter.",
    "You are a careful assistant. You do what the user asks.",
    "You help people with small tasks.",
    "Be helpful and precise.",
    "You are a polite assistant.",
    "You are a chat bot in a small app.",
)
_NAMED = (
    "You are {n}.",
    "Your name is {n}.",
    "You are called {n}.",
    "You are an assistant named {n}.",
    "You are {n}, a friendly assistant.",
    "You are a helpful assistant called {n}.",
)
_ROLES = (
    "You are a {j}.",
    "You play a {j}.",
    "Act as a {j}.",
    "Your role is {j}.",
    "You are an experienced {j}.",
    "You answer as a {j}.",
    "Pretend to be a {j}.",
)
_BOTH = ("You are {n}, a {j}.", "You are a {j} named {n}.", "Your name is {n}. You are a {j}.")
_JOBS = """teacher|nurse|pilot|farmer|painter|driver|cook|lawyer|singer|writer|plumber|sailor|baker|
pirate|wizard|math tutor|history teacher|travel agent|doctor|gardener|robot|detective|librarian|
waiter|coach|photographer|tour guide|translator|judge|scientist|poet|knight|clown|chef|king|
mechanic|journalist|fisherman|shepherd|software engineer""".replace("\n", "").split("|")
_NAME_QUESTIONS = """What is your name?|What's your name?|Who are you?|How are you called?|
What are you called?|Tell me your name.|What should I call you?|May I ask your name?|
Can you tell me your name?|Introduce yourself.""".replace("\n", "").split("|")
_ROLE_QUESTIONS = """What is your role?|What are you?|What is your job?|What do you do?|
Who are you?|What is your profession?|What role do you play?|Tell me your role.|
What do you work as?|What are you supposed to be?|
Describe your role.""".replace("\n", "").split("|")
# Facts about the user as a system prompt has them, by the attribute's key.
_ABOUT_USER = {
    "name": ("The user is called {v}.", "The user's name is {v}.", "You are talking to {v}."),
    "color": ("The user's favorite color is {v}.", "The user likes {v} best of all colors."),
    "city": ("The user lives in {v}.", "The user's home is in {v}."),
    "number": ("The user's lucky number is {v}.",),
    "age": ("The user is {v} years old.",),
    "job": ("The user is a {v}.", "The user works as a {v}."),
    "dog": ("The user has a dog named {v}.", "The user's dog is called {v}."),
    "food": ("The user's favorite food is {v}.",),
    "country": ("The user comes from {v}.",),
    "room": ("The user is in room {v}.", "The user's room number is {v}."),
    "boss": ("The user's boss is {v}.",),
}
_REMEMBER = (
    "{f}",
    "{f} Tell the user when asked.",
    "Remember: {f}",
    "Here is what you know: {f}",
    "You know this: {f}",
    "Keep this in mind: {f}",
    "Important: {f}",
)
# Rules for the form of every answer, with the function that gives an answer this form.
_RULES: Sequence[tuple[tuple[str, ...], Callable[[str], str]]] = (
    (
        (
            "Answer in capital letters only.",
            "Always write in capital letters.",
            "You write everything in uppercase.",
            "All your answers are in all caps.",
        ),
        str.upper,
    ),
    (
        (
            "End every answer with DONE.",
            "Every answer must end with the word DONE.",
            "Always finish your answers with DONE.",
        ),
        lambda text: f"{text} DONE",
    ),
    (
        (
            "End every answer with OVER.",
            "Close each reply with the word OVER.",
            "Always write OVER at the end.",
        ),
        lambda text: f"{text} OVER",
    ),
    (
        (
            "Begin every answer with OK:",
            "Start each of your answers with OK:",
            "Every reply begins with OK:",
        ),
        lambda text: f"OK: {text}",
    ),
    (
        (
            "Answer in small letters only.",
            "Always write in lowercase.",
            "Never use capital letters.",
        ),
        str.lower,
    ),
)


_THINGS = """favorite song|favorite movie|favorite book|favorite season|favorite month|
favorite word|nickname|street|house number|shoe size|bike|boat|team|company|school|wife|husband|
daughter|son|mother|father|uncle|aunt|best friend|neighbor|horse|parrot|ticket number|seat|locker|
phone number|user name|account|server|branch|ticket|topic|title|destination|next stop|flight|gate|
table|level|score|goal|budget|deadline|start date|birthday|middle name|last name|initials|
zodiac sign|language|key word|motto|first pet|badge number|desk|floor|building|parking spot|laptop|
phone|printer|lucky charm""".replace("\n", "").split("|")
_OWNERS = (("my", "your"), ("my", "your"), ("my", "your"), ("the", "the"), ("our", "your"))


def _unchanged(text: str) -> str:
    return text


def random_attribute(rng: random.Random) -> Attribute:
    """Return an attribute of a random thing and owner: no list of attributes can be learnt."""
    thing = rng.choice(_THINGS)
    kind = rng.choice(("word", "word", "person", "city", "number", "code", "color"))
    if rng.random() < 0.2:
        owner = phrases.value("person", rng)
        first, second = f"{owner}'s", f"{owner}'s"
    else:
        first, second = rng.choice(_OWNERS)
    upper = first[0].upper() + first[1:]
    return Attribute(
        f"{first} {thing}",
        kind,
        [f"{upper} {thing} is {{v}}.", f"{{v}} is {first} {thing}.", f"{upper} {thing}: {{v}}."],
        [
            f"What is {first} {thing}?",
            f"What's {first} {thing}?",
            f"Tell me {first} {thing}.",
            f"Do you remember {first} {thing}?",
            f"What was {first} {thing}?",
        ],
        f"{second[0].upper() + second[1:]} {thing} is {{v}}.",
    )


@dataclass
class SystemPrompt:
    """A system prompt, the facts in it, and the form that it demands of every answer."""

    text: str = ""
    facts: dict[str, str] = field(default_factory=dict)  # about the user, by attribute
    # Questions about the assistant, and the answer to each of them.
    about_assistant: list[tuple[Sequence[str], str]] = field(default_factory=list)
    in_form: Callable[[str], str] = _unchanged


def system_prompt(rng: random.Random) -> SystemPrompt:
    """Return a system prompt; four in ten are empty."""
    style = rng.random()
    if style < 0.42:
        return SystemPrompt()
    if style < 0.6:
        return SystemPrompt(rng.choice(GENERIC))
    if style < 0.68:
        texts, in_form = rng.choice(_RULES)
        return SystemPrompt(_with_generic(rng.choice(texts), rng), in_form=in_form)
    if style < 0.8:
        return _role(rng)
    return _facts(rng)


def _with_generic(text: str, rng: random.Random) -> str:
    return f"{rng.choice(GENERIC)} {text}" if rng.random() < 0.4 else text


def _role(rng: random.Random) -> SystemPrompt:
    name, job = phrases.value("person", rng), rng.choice(_JOBS)
    article = "an" if job[0] in "aeiou" else "a"
    named = (_NAME_QUESTIONS, f"My name is {name}.")
    role = (_ROLE_QUESTIONS, f"I am {article} {job}.")
    style = rng.random()
    if style < 0.35:
        return SystemPrompt(rng.choice(_NAMED).format(n=name), about_assistant=[named])
    texts = _ROLES if style < 0.7 else _BOTH
    text = rng.choice(texts).format(n=name, j=job)
    text = text.replace(f" a {job}", f" {article} {job}")
    if style < 0.7:
        return SystemPrompt(text, about_assistant=[role])
    both = [
        ([asked for asked in _NAME_QUESTIONS if asked != "Who are you?"], named[1]),
        ([asked for asked in _ROLE_QUESTIONS if asked != "Who are you?"], role[1]),
        (("Who are you?", "Introduce yourself."), f"I am {name}, {article} {job}."),
    ]
    return SystemPrompt(text, about_assistant=both)


_OF_USER = {"I", "My", "Our", "We"}  # words with which only the user tells a fact


def _facts(rng: random.Random) -> SystemPrompt:
    chosen = rng.sample(list(attributes()), rng.choice((1, 1, 2, 3)))
    facts: dict[str, str] = {}
    told: list[str] = []
    for attribute in chosen:
        value = phrases.value(attribute.kind, rng)
        texts = _ABOUT_USER.get(attribute.key) or [
            text for text in attribute.statements if _OF_USER.isdisjoint(text.split())
        ]
        if not texts or any("my " in text for text in texts):
            continue
        facts[attribute.key] = value
        told.append(rng.choice(texts).replace("{v}", value))
    if not told:
        return SystemPrompt(rng.choice(GENERIC))
    text = rng.choice(_REMEMBER).replace("{f}", " ".join(told))
    return SystemPrompt(_with_generic(text, rng), facts=facts)


class Conversation:
    """A conversation to which exchanges are added."""

    def __init__(
        self, system: SystemPrompt, free: Sequence[tuple[str, str]], rng: random.Random
    ) -> None:
        """Begin a conversation.

        Args:
            system: the system prompt.
            free: prompts with the base model's own answers.
            rng: makes every choice.
        """
        self.system = system
        self.messages: list[Message] = []
        self._free = free
        self._rng = rng
        known = {each.key: each for each in attributes()}
        self._facts = {key: (known[key], value) for key, value in system.facts.items()}

    def add_exchange(self) -> None:
        """Add what the user says and the answer."""
        rng = self._rng
        shares = {
            self._state: 12 if len(self._facts) < 6 else 0,
            self._ask: 18 if self._facts else 0,
            self._ask_system: 22 if self.system.about_assistant else 0,
            self._ask_freely: 3,  # long answers, which take the room of many others
            self._request: 60,
        }
        rng.choices(list(shares), list(shares.values()))[0]()

    def _ask_system(self) -> None:
        questions, answer = self._rng.choice(self.system.about_assistant)
        self._add(self._rng.choice(questions), answer)

    def _ask_freely(self) -> None:
        self._add(*self._rng.choice(self._free))

    def _request(self) -> None:
        rng = self._rng
        make = rng.choices(list(EXCHANGES), list(EXCHANGES.values()))[0]
        made = make(self.messages, rng)
        if made is not None:
            # An earlier answer that is repeated already has the form of the system prompt.
            self._add(*made, in_form=made[1] in said(self.messages, "assistant"))

    def _add(self, asked: str, answer: str, *, in_form: bool = False) -> None:
        self.messages.append(Message("user", asked))
        text = answer if in_form else self.system.in_form(answer)
        self.messages.append(Message("assistant", text))

    def _state(self) -> None:
        rng = self._rng
        chosen = [
            random_attribute(rng) if rng.random() < 0.3 else rng.choice(attributes())
            for _ in range(2 if rng.random() < 0.15 else 1)
        ]
        statements: list[str] = []
        answers: list[str] = []
        for attribute in chosen:
            value = phrases.value(attribute.kind, rng)
            text = rng.choice(attribute.statements).replace("{v}", value)
            if attribute.key in self._facts:
                start = rng.choice(("Actually, ", "No, ", "Correction: ", "Now ", "Sorry, "))
                text = start + _low(text)
            self._facts[attribute.key] = (attribute, value)
            statements.append(text)
            answers.append(attribute.answer.replace("{v}", value))
        if len(chosen) == 1 and chosen[0].key == "name" and rng.random() < 0.8:
            answer = f"Nice to meet you, {self._facts['name'][1]}!"
        else:
            answer = "Okay, " + " ".join([_low(answers[0]), *answers[1:]])
        self._add(worded("state", rng, s=" ".join(statements)), answer)

    def _ask(self) -> None:
        rng = self._rng
        attribute, value = rng.choice(list(self._facts.values()))
        asked = worded("ask", rng, a=rng.choice(attribute.questions))
        answer = attribute.answer.replace("{v}", value)
        if rng.random() < 0.12:
            form = rng.choice(("Only the answer.", "One word, please.", "Just the answer."))
            asked = f"{asked} {form}"
            answer = value
        self._add(asked, answer)


def _low(text: str) -> str:
    return text if text.startswith(("I ", "I'm")) else text[0].lower() + text[1:]


def conversation(
    system: SystemPrompt, free: Sequence[tuple[str, str]], rng: random.Random
) -> list[Message]:
    """Return the messages of a conversation, without the system prompt.

    ``free`` are prompts with the base model's own answers.
    """
    made = Conversation(system, free, rng)
    length = rng.choice((1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 8))
    while len(made.messages) < 2 * length:
        made.add_exchange()
    return made.messages
