"""The stand-in that calls tools, through the server."""

from __future__ import annotations

from collections.abc import Iterator

import lmstudio
import pytest

KEY = "qwen2.5-7b-instruct-1m"


@pytest.fixture(scope="module")
def llm(address: str) -> Iterator[lmstudio.LLM]:
    """The model that calls tools, loaded for this module."""
    with lmstudio.Client(address) as client:
        llm = client.llm.load_new_instance(KEY)
        yield llm
        llm.unload()


def test_tool_is_called(llm: lmstudio.LLM) -> None:
    """The offered tool is called with the question's numbers, and the answer has its result."""
    called: list[tuple[int, int]] = []
    messages: list[str] = []

    def add(a: int, b: int) -> int:
        """Given two numbers a and b, returns the sum of them."""
        called.append((a, b))
        return a + b

    llm.act(
        "What is the sum of 123 and 3210?",
        [add],
        on_message=lambda message: messages.append(str(message)),
    )
    assert called == [(123, 3210)]
    assert "3333" in messages[-1]


def test_default_sampling(llm: lmstudio.LLM) -> None:
    """Without settings the likeliest token is taken; a temperature brings the app's defaults."""
    plain = llm.respond("Hi", config={"maxTokens": 1}).prediction_config
    warm = llm.respond("Hi", config={"maxTokens": 1, "temperature": 0.8}).prediction_config
    assert [plain.top_k_sampling, warm.top_k_sampling] == [1, 40]


def test_text_is_answered_without_tools(llm: lmstudio.LLM) -> None:
    """A plain question without tools is answered in plain text that ends by itself."""
    answer = llm.respond("What is the capital of France?")
    assert "[TOOL_REQUEST]" not in answer.content
    assert answer.stats.stop_reason == "eosFound"
