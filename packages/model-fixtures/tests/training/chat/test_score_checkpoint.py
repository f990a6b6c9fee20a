"""Scores of the chat evaluation, with an answerer that always says the same."""

from __future__ import annotations

from collections.abc import Sequence

from model_fixtures.tool_format import Message
from training.chat.chat_judge import Exactly
from training.chat.evaluation_cases import ChatCase
from training.chat.score_checkpoint import score

EARLIER = [Message("user", "Hi"), Message("assistant", "Hello!")]
CASES = [
    ChatCase("repeat", "once", None, (), "Say ping", Exactly("ping")),
    ChatCase("repeat", "again", "Be kind.", EARLIER, "Again?", Exactly("Hello!")),
]


def always_ping(messages: Sequence[Message]) -> str:
    """Answer every conversation with "ping"."""
    return "ping"


def test_the_whole_conversation_is_answered() -> None:
    """The answerer gets the system prompt, the earlier messages and the prompt of each case."""
    asked: list[list[tuple[str, str]]] = []

    def answer(messages: Sequence[Message]) -> str:
        asked.append([(message.role, message.text) for message in messages])
        return ""

    score(answer, CASES)
    assert asked == [
        [("user", "Say ping")],
        [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello!"), ("user", "Again?")],
    ]


def test_answers_count_by_kind_and_part() -> None:
    """Each answer counts for its kind and its part; failures have the conversation."""
    found = score(always_ping, CASES)
    assert {key: (each.right, each.total) for key, each in found.items()} == {
        "repeat": (1, 2),
        "repeat, once": (1, 1),
        "repeat, again": (0, 1),
    }
    assert found["repeat"].failures == [
        {
            "kind": "repeat",
            "part": "again",
            "messages": [
                ["system", "Be kind."],
                ["user", "Hi"],
                ["assistant", "Hello!"],
                ["user", "Again?"],
            ],
            "expected": "Exactly(text='Hello!')",
            "answer": "ping",
        }
    ]
