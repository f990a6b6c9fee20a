"""The command line."""

import subprocess
import sys
from pathlib import Path

import pytest
from assistant.__main__ import main
from model_fixtures import Host

CHAT = "llama-3.2-1b-instruct"


@pytest.mark.lmstudio_models(CHAT)
def test_chat(lmstudio_host: Host, tmp_path: Path) -> None:
    """A process of its own answers what is typed, line by line, and keeps the turns."""
    run = subprocess.run(
        [
            *(sys.executable, "-m", "assistant", "--host", lmstudio_host, "--folder", tmp_path),
            *("chat", "--longest", "20"),
        ],
        input="Hello!\n\nWho are you?\n",
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert len(run.stdout.split()) > 1
    assert (tmp_path / "conversation.json").read_text().count('"question"') == 2


@pytest.mark.lmstudio_models(CHAT)
def test_ticket(lmstudio_host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A ticket is printed, and filed under the next number."""
    for number in ("0001", "0002"):
        options = ["--host", lmstudio_host, "--folder", str(tmp_path)]
        assert main([*options, "ticket", "I forgot my password."]) == 0
        filed = (tmp_path / "tickets" / f"{number}.json").read_text()
        assert '"urgency"' in filed
        assert capsys.readouterr().out == filed


def test_no_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without LM Studio, the error is one line and the exit code is 1."""
    options = ["--host", "localhost:9", "--folder", str(tmp_path)]
    assert main([*options, "ticket", "I forgot my password."]) == 1
    assert capsys.readouterr().err == (
        "assistant: no LM Studio answers at localhost:9:"
        " start its server, or name another with --host\n"
    )
