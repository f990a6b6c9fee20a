"""Nothing of the chat evaluation's wordings, names and phrases is in the training data."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from training.chat import conversations, exchanges, phrases
from training.chat.evaluation_cases import KINDS, cases
from training.chat.evaluation_draws import facts, sections, wordings
from training.chat.free_answers import free_prompts
from training.tool_use import argument_values

TRAINED_MESSAGES = 20_000
FOLDER = Path(conversations.__file__).parent
TRAINED_FILES = ("attributes.txt", "kinds.txt", "questions.txt", "wordings.txt", "yes_no.txt")


def plain(text: str) -> str:
    """Return a text in small letters, with neither punctuation nor doubled spaces."""
    return " ".join(re.findall(r"[\w{}]+", text.casefold()))


def strings(value: Any) -> Iterable[str]:
    """Return all strings of nested lists, tuples and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for pair in value.items():
            yield from strings(pair)
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from strings(each)


@cache
def trained() -> tuple[frozenset[str], frozenset[str]]:
    """Return what users and system prompts say in training, without punctuation."""
    rng = random.Random("overlap")  # noqa: S311  # a seed, no secret
    free = [(prompt, "Free answer") for prompt in free_prompts()]
    said: dict[str, set[str]] = {"user": set(), "system": set(), "assistant": set()}
    said["user"].update(plain(prompt) for prompt in free_prompts())
    count = 0
    while count < TRAINED_MESSAGES:
        start = conversations.system_prompt(rng)
        said["system"].add(plain(start.text))
        for message in conversations.conversation(start, free, rng):
            said[message.role].add(plain(message.text))
            count += message.role == "user"
    return frozenset(said["user"]), frozenset(said["system"]) - {""}


def trained_words() -> set[str]:
    """Return every entry of the training's word lists, in small letters."""
    modules = (phrases, conversations, exchanges, argument_values)
    lists = [
        value
        for module in modules
        for name, value in vars(module).items()
        if not name.startswith("__") and isinstance(value, list | tuple | dict)
    ]
    return {plain(text) for text in strings(lists)}


def trained_text() -> str:
    """Return all of the training's text files, without punctuation."""
    texts = [(FOLDER / name).read_text(encoding="utf-8") for name in TRAINED_FILES]
    return "\n".join(plain(line) for text in texts for line in text.splitlines())


def templates() -> list[str]:
    """Return every sentence with slots that an evaluation's user or system prompt may say."""
    told = [text for fact in facts() for text in (*fact.noted, *fact.told, *fact.corrected)]
    asked = [text for fact in facts() for text in fact.asked]
    return [*(line for lines in wordings().values() for line in lines), *told, *asked]


def test_no_message_of_the_evaluation_is_in_the_training() -> None:
    """No last user message and no system prompt of the final set equals one of training."""
    users, systems = trained()
    chosen = cases(300, "final", KINDS)
    assert {case.prompt for case in chosen if plain(case.prompt) in users} == set()
    assert {case.system for case in chosen if plain(case.system or "-") in systems} == set()


def test_no_earlier_turn_of_the_evaluation_is_in_the_training() -> None:
    """Users say nothing in earlier turns either that they say in training."""
    users, _ = trained()
    earlier = {
        message.text
        for case in cases(300, "final", KINDS)
        for message in case.earlier
        if message.role == "user"
    }
    assert {text for text in earlier if plain(text) in users} == set()


def test_no_wording_of_the_evaluation_is_in_the_training() -> None:
    """No message of training reads like a wording of the evaluation with its slots filled."""
    users, systems = trained()
    known = [*users, *systems]
    assert [template for template in templates() if reads_like(template, known)] == []


def reads_like(template: str, known: Iterable[str]) -> bool:
    """Tell whether some text is the wording with anything in its slots."""
    parts = [plain(part) for part in re.split(r"\{\w+\}", template)]
    longest = max(parts, key=len)  # looked for first, since that is fast
    pattern = re.compile(r"\s?.+\s?".join(map(re.escape, parts)))
    return any(longest in text and pattern.fullmatch(text) for text in known)


# Months are on no such list: there are only twelve.
NAMES = ("people", "pets", "assistants", "roles", "cities", "colours", "foods", "instruments")
THINGS = ("sports", "animals", "secrets", "nouns", "adjectives", "doings", "items", "keys")


@pytest.mark.parametrize("section", [*NAMES, *THINGS, "short words"])
def test_no_word_of_the_evaluation_is_in_the_training(section: str) -> None:
    """Names, cities, nouns and other words are on no list of the training's, nor in its files."""
    known, text = trained_words(), f" {' '.join(trained_text().split())} "
    words = [plain(word) for word in sections("evaluation_words.txt")[section]]
    assert [word for word in words if word in known or f" {word} " in text] == []


@pytest.mark.parametrize("section", list(sections("evaluation_phrases.txt")))
def test_no_phrase_of_the_evaluation_is_in_the_training(section: str) -> None:
    """Phrases, texts and questions are in no text file, list or message of the training's."""
    users, _ = trained()
    known, text = trained_words() | users, trained_text()
    lines = sections("evaluation_phrases.txt")[section]
    assert [line for line in lines if plain(line) in known or plain(line) in text] == []


TRAINED_MODULES = (
    *("chat_batches", "conversations", "exchanges", "free_answers", "phrases", "wordings"),
)


def test_training_reads_nothing_of_the_evaluation() -> None:
    """No module of the training names a module or file of the evaluation."""
    for name in TRAINED_MODULES:
        assert "evaluation" not in (FOLDER / f"{name}.py").read_text(encoding="utf-8"), name


@pytest.mark.parametrize("path", sorted(FOLDER.glob("evaluation_*.py")), ids=lambda path: path.stem)
def test_evaluation_reads_nothing_of_the_training(path: Path) -> None:
    """No module of the evaluation imports a module of the training or names one of its files."""
    modules, files = "|".join(TRAINED_MODULES), "|".join(map(re.escape, TRAINED_FILES))
    reads = re.compile(
        rf"from \.({modules}) import|from \. import .*\b({modules})\b|training\.|\"({files})\""
    )
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if reads.search(line)] == []
