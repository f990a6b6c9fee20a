"""The judge of tool-use conversations, with scripted models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from model_fixtures.tool_format import Message, ToolCall
from training.tool_use.conversation_judge import (
    BrokenCallError,
    ConversationJudge,
    Definition,
    _holds,
    failed_regressions,
    scores,
    sum_scores,
)
from training.tool_use.evaluation_cases import KINDS, REGRESSION, ConversationCase, cases

CASES = {kind: cases(8, "judge", [kind]) for kind in KINDS}
CALLING = [kind for kind in KINDS if kind != "plain"]
FINISHING = ["single", "error", "parallel", "chained"]  # judged by the last answer too

Change = Callable[[Message], Message]


class Script:
    """A speaker that says what the case expects, with ``change`` applied to each message."""

    def __init__(self, case: ConversationCase, change: Change = lambda message: message) -> None:
        expected = case.expected
        self._messages = iter(
            [message for message in expected.messages() if message.role == "assistant"][
                sum(message.role == "assistant" for message in expected.history) :
            ]
        )
        self._change = change
        self.heard: list[Message] = []

    def __call__(self, messages: Sequence[Message], tools: Sequence[Definition]) -> Message:
        """Return the next message."""
        self.heard = list(messages)
        return self._change(next(self._messages))


def other_arguments(message: Message) -> Message:
    """Replace the arguments of the last call by wrong ones."""
    if not message.calls:
        return message
    spoilt = replace(message.calls[-1], arguments={"nothing": "like it"})
    return replace(message, calls=[*message.calls[:-1], spoilt])


def other_tool(message: Message) -> Message:
    """Replace the tools of all calls by another tool."""
    return replace(message, calls=[replace(call, name="other") for call in message.calls])


def one_call_more(message: Message) -> Message:
    """Repeat the first call."""
    return replace(message, calls=[*message.calls, *message.calls[:1]])


def no_calls(message: Message) -> Message:
    """Remove all calls."""
    return replace(message, calls=[])


def silent_end(message: Message) -> Message:
    """Replace the final answer by one without the results."""
    return message if message.calls else replace(message, text="Hmm.")


def accepted(kind: str, change: Change) -> list[bool]:
    """Return for each case of a kind whether the judge accepts the changed conversation."""
    return [ConversationJudge(Script(case, change)).hold(case)[0] for case in CASES[kind]]


@pytest.mark.parametrize("kind", KINDS)
def test_expected_conversation_is_right(kind: str) -> None:
    """A model that says exactly what is expected is right in every conversation."""
    assert all(ConversationJudge(Script(case)).hold(case)[0] for case in CASES[kind])


@pytest.mark.parametrize("change", [other_tool, one_call_more, no_calls])
@pytest.mark.parametrize("kind", CALLING)
def test_other_calls_are_wrong(kind: str, change: Change) -> None:
    """Another tool, one call too many or none at all is wrong whatever was asked."""
    assert not any(accepted(kind, change))


@pytest.mark.parametrize("kind", [kind for kind in CALLING if kind != "choice"])
def test_other_arguments_are_wrong(kind: str) -> None:
    """Arguments count, except where only the choice of the tool is asked for."""
    assert not any(accepted(kind, other_arguments))
    assert all(accepted("choice", other_arguments))


@pytest.mark.parametrize("kind", FINISHING)
def test_answer_without_the_result_is_wrong(kind: str) -> None:
    """Right calls are not enough: the answer must hold the result, or explain the error."""
    assert not any(accepted(kind, silent_end))


def test_words_before_the_call_must_be_said() -> None:
    """A call without the words that were asked for first is wrong."""
    assert not any(accepted("say", lambda message: replace(message, text="")))


def test_a_call_is_wrong_where_no_tool_is_needed() -> None:
    """Any call where none is needed is wrong, however well formed."""
    assert not any(accepted("plain", lambda message: replace(message, calls=[ToolCall("any", {})])))


@pytest.mark.parametrize("kind", KINDS)
def test_broken_call_is_wrong(kind: str) -> None:
    """A call that can't be read is wrong even where no call was expected, and raises no error."""

    def broken(messages: Sequence[Message], tools: Sequence[Definition]) -> Message:
        raise BrokenCallError("[TOOL_REQUEST]{")

    fine, said = ConversationJudge(broken).hold(CASES[kind][0])
    assert (fine, said) == (False, "broken call: [TOOL_REQUEST]{")


def test_results_go_back_under_their_calls_ids() -> None:
    """Calls get ids, and their results go back with the same ids in the same order."""
    case = CASES["parallel"][0]
    script = Script(case)
    assert ConversationJudge(script).hold(case)[0]
    called, told = script.heard[-2:]
    assert [call.id for call in called.calls] == [result.call_id for result in told.results]
    assert [result.content for result in told.results] == [
        outcome.content for outcome in case.expected.rounds[0].outcomes
    ]


def test_scores_count_by_kind() -> None:
    """Each kind has a score, and "two calls" has those in one round and in two."""
    chosen = [*CASES["parallel"][:2], *CASES["chained"][:1], *CASES["plain"][:3]]

    def mute(messages: Sequence[Message], tools: Sequence[Definition]) -> Message:
        return Message("assistant", "")

    found = sum_scores(
        [scores(ConversationJudge(mute), part) for part in (chosen[::2], chosen[1::2])]
    )
    assert {kind: (score.right, score.total) for kind, score in found.items()} == {
        "parallel": (0, 2),
        "chained": (0, 1),
        "plain": (3, 3),
        "two calls": (0, 3),
    }
    assert found["two calls"].failures[0]["prompt"] == chosen[0].expected.prompt


def test_regression_lists_what_went_wrong() -> None:
    """A model that never calls passes only the prompts that need no tool."""

    def chatty(messages: Sequence[Message], tools: Sequence[Definition]) -> Message:
        return Message("assistant", "Hi!")

    needing = [prompt for _, prompt, calls, _ in REGRESSION if calls]
    assert [
        line.partition(" -> ")[0] for line in failed_regressions(ConversationJudge(chatty))
    ] == needing


@pytest.mark.parametrize(
    ("text", "needle", "held"),
    [
        ("The sum is 5.", "5", True),
        ("The sum is 15.", "5", False),
        ("It is 5.5.", "5", False),
        ("It is -5.", "5", False),
        ("It is -5.", "-5", True),
        ("In Rome it is SUNNY, 20 degrees.", "sunny", True),
        ("Done: notes.md was saved.", "notes.md", True),
        ('He said "Hello there!" twice.', "Hello there!", True),
    ],
)
def test_results_are_held_as_wholes(text: str, needle: str, held: bool) -> None:
    """A result that is only a part of another number or word does not count."""
    assert _holds(text, needle) is held
