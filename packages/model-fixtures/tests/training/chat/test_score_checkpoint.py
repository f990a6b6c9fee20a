"""Scores of the chat evaluation in llama.cpp, with a scripted one."""

from __future__ import annotations

from model_fixtures.tool_format import Message
from training.chat.chat_judge import Exactly
from training.chat.evaluation_cases import ChatCase
from training.chat.score_checkpoint import score

EARLIER = [Message("user", "Hi"), Message("assistant", "Hello!")]
CASES = [
    ChatCase("repeat", "once", None, (), "Say ping", Exactly("ping")),
    ChatCase("repeat", "again", "Be kind.", EARLIER, "Again?", Exactly("Hello!")),
]


class Scripted:
    """Gives the same answer to every prompt, and continues after its end."""

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def complete(self, prompt: str, limit: int = 200, grammar: str | None = None) -> str:
        """Return the text after ``prompt``."""
        self.prompts.append(prompt)
        return "ping<|im_end|>\n<|im_start|>user"


def test_a_conversation_is_written_in_chatml() -> None:
    """Messages follow the system prompt, which is SmolLM's own one where none is given."""
    scripted = Scripted()
    score(scripted, CASES)
    first, second = scripted.prompts
    assert first == (
        "<|im_start|>system\n"
        "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nSay ping<|im_end|>\n<|im_start|>assistant\n"
    )
    assert second == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nAgain?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_answers_count_by_kind_and_part() -> None:
    """Text after the end of the message does not count; failures have the conversation."""
    found = score(Scripted(), CASES)
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
