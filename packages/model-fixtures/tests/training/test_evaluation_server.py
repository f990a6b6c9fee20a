"""The server that the evaluation starts for itself."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from model_fixtures.tool_format import Message
from training.evaluation_server import EvaluationServer, children
from training.tool_use.sdk_assistant import SdkAssistant


def test_children_are_found() -> None:
    """On Linux, a started process is among this one's children until it has ended."""
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        found = children(os.getpid())
        process.communicate(b"\n")
    assert (process.pid in found) is sys.platform.startswith("linux")
    assert process.pid not in children(os.getpid())


@pytest.mark.slow
def test_server_measures_a_loaded_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model loads, answers through the SDK, and has a load time and, on Linux, a memory size."""
    # The user's own host must not be asked.
    monkeypatch.setenv("LMSTUDIO_API_HOST", "127.0.0.1:9")
    with EvaluationServer() as server:
        loaded = server.load("llama-3.2-1b-instruct", times=1)
        say = SdkAssistant(loaded.model, tokens=4)
        message = say([Message("user", "Say hello.")], [])
        memory = loaded.memory()
    assert (message.role, list(message.calls)) == ("assistant", [])
    assert message.text
    assert say.stats.predicted_tokens_count == 4
    assert loaded.median > 0
    if sys.platform.startswith("linux"):
        assert memory is not None
        assert 100 < memory["now"] <= memory["peak"]
