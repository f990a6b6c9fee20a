"""The chat evaluation's conversations: seeded, complete and well formed."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from training.chat.chat_judge import Exactly, Holds, JsonObject, Times
from training.chat.evaluation_cases import KINDS, cases
from training.chat.evaluation_draws import sections, wordings

CASES = {kind: cases(200, "tests", [kind]) for kind in KINDS}
ALL = [case for kind in KINDS for case in CASES[kind]]


def test_a_seed_gives_the_same_cases() -> None:
    """The same seed gives equal cases, another one others."""
    assert cases(20, "tests") == cases(20, "tests")
    assert cases(20, "tests") != cases(20, "others")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_does_not_depend_on_the_others(kind: str) -> None:
    """A kind's cases are the same alone, among all kinds, and as the first of more."""
    together = [case for case in cases(15, "tests") if case.kind == kind]
    assert together == CASES[kind][:15]


@pytest.mark.parametrize("kind", KINDS)
def test_no_case_comes_twice(kind: str) -> None:
    """All conversations of a kind differ."""
    assert len(CASES[kind]) == 200
    assert max(Counter(repr(case.messages()) for case in CASES[kind]).values()) == 1


def test_conversations_have_one_to_eight_turns() -> None:
    """Earlier messages are the user's and the assistant's in turn, and all lengths occur."""
    for case in ALL:
        roles = [message.role for message in case.earlier]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
    assert {len(case.earlier) // 2 + 1 for case in ALL} == set(range(1, 9))


def test_some_conversations_have_system_prompts() -> None:
    """Every kind has cases with a system prompt and without one."""
    for kind in KINDS:
        assert {case.system is None for case in CASES[kind]} == {True, False}


def test_no_slot_stays_open() -> None:
    """All slots of the wordings are filled."""
    for case in ALL:
        texts = [message.text for message in case.messages()]
        assert not any(re.search(r"\{[a-z]*\}", text) for text in texts), texts


def test_every_wording_is_used() -> None:
    """No section of the wordings is forgotten: every one gives the start of some message."""
    texts = [message.text.lower() for case in cases(1000, "all") for message in case.messages()]
    every = "\n".join(texts)
    for section, lines in wordings().items():
        parts = [max(re.split(r"\{\w+\}", line), key=len).lower() for line in lines]
        assert any(part in every for part in parts), section


def test_what_to_repeat_is_in_the_conversation() -> None:
    """The phrase, value or message that the answer must hold was said before."""
    for case in ALL:
        text = "\n".join(message.text for message in case.messages())
        if case.part == "upper phrase":
            text = text.upper()
        if isinstance(case.rule, Exactly):
            assert case.rule.text in text
        elif isinstance(case.rule, Times):
            assert case.rule.phrase in text
        elif isinstance(case.rule, Holds):
            assert case.rule.value in text


def test_a_question_does_not_hold_its_answer() -> None:
    """A repeated question recalls nothing, and other told values differ from the right one."""
    for case in CASES["recall"]:
        assert not case.rule.right(case.prompt)
        if isinstance(case.rule, Holds):
            assert case.rule.value not in case.rule.others


def test_corrected_facts_count_as_they_are_now() -> None:
    """The old value comes before the new one, and is wrong."""
    chosen = [case for case in CASES["recall"] if case.part == "corrected fact"]
    assert chosen
    for case in chosen:
        assert isinstance(case.rule, Holds)
        text = "\n".join(message.text for message in case.earlier)
        assert text.index(case.rule.others[0]) < text.rindex(case.rule.value)
        assert not case.rule.right(case.rule.others[0])


def test_system_prompts_that_demand_a_form_were_obeyed_before() -> None:
    """Earlier answers under such a system prompt are right themselves."""
    chosen = [case for case in CASES["form"] if case.part.startswith("system ")]
    assert any(case.earlier for case in chosen)
    for case in chosen:
        for message in case.earlier:
            assert message.role == "user" or case.rule.right(message.text), message.text


def test_json_values_are_strings_numbers_and_truth_values() -> None:
    """All types occur, and every key is in the prompt."""
    rules = [case.rule for case in CASES["form"] if isinstance(case.rule, JsonObject)]
    assert {type(each) for rule in rules for each in rule.value.values()} == {str, int, bool}
    for case in CASES["form"]:
        if isinstance(case.rule, JsonObject):
            assert all(key in case.prompt for key in case.rule.value)


@pytest.mark.parametrize("name", ["words", "phrases", "wordings", "turns", "facts"])
def test_no_line_comes_twice(name: str) -> None:
    """A section holds each of its lines once."""
    for section, lines in sections(f"evaluation_{name}.txt").items():
        assert max(Counter(lines).values()) == 1, section
