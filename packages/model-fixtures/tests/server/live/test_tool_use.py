"""The stand-in that calls tools, used through the server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import lmstudio
import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.weights import data_file
from model_fixtures.weights.derived_weights import TOOLS_ADAPTER

KEY = "qwen2.5-7b-instruct-1m"


@pytest.fixture(scope="module")
def llm(address: str) -> Iterator[lmstudio.LLM]:
    """Provide the model that calls tools, loaded for this module."""
    with lmstudio.Client(address) as client:
        llm = client.llm.load_new_instance(KEY)
        yield llm
        llm.unload()


@pytest.mark.difference("tool-use")
def test_tool_is_called(llm: lmstudio.LLM) -> None:
    """The offered tool is called with the question's numbers; the answer contains its result."""
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


@pytest.mark.difference("trained-sampling")
def test_default_sampling(llm: lmstudio.LLM) -> None:
    """Without settings the likeliest token is taken; with a temperature, the app's defaults."""
    plain = llm.respond("Hi", config={"maxTokens": 1}).prediction_config
    warm = llm.respond("Hi", config={"maxTokens": 1, "temperature": 0.8}).prediction_config
    assert [plain.top_k_sampling, warm.top_k_sampling] == [1, 40]


def test_text_is_answered_without_tools(llm: lmstudio.LLM) -> None:
    """A plain question without tools is answered in plain text that ends by itself."""
    answer = llm.respond("What is the capital of France?")
    assert "[TOOL_REQUEST]" not in answer.content
    assert answer.stats.stop_reason == "eosFound"


def test_adapter_of_the_user(tmp_path: Path) -> None:
    """An adapter that a catalog names works with its weights, without being merged."""
    catalog = tmp_path / "mine.toml"
    adapter = data_file(TOOLS_ADAPTER)
    catalog.write_text(f"[[models]]\nkey = '{KEY}'\nadapter = '{adapter}'\n")
    environ = {**os.environ, "LMSTUDIO_TEST_CATALOG": str(catalog)}
    called: list[tuple[int, int]] = []

    def add(a: int, b: int) -> int:
        """Given two numbers a and b, returns the sum of them."""
        called.append((a, b))
        return a + b

    with EmbeddedServer(environ=environ) as server, lmstudio.Client(server.address) as client:
        llm = client.llm.load_new_instance(KEY)
        assert llm.get_info().display_name.startswith("SmolLM2 135M Instruct (stand-in")
        llm.act("What is the sum of 123 and 3210?", [add], max_prediction_rounds=2)
    assert called == [(123, 3210)]
