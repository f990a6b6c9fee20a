"""Fixtures for tests of the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model_fixtures.cli import main
from model_fixtures.hosts import background_server

Run = Callable[..., tuple[int, list[str], list[str]]]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide the user's settings, provide a state folder, and stop its server at the end."""
    for variable in ("LMSTUDIO_API_HOST", "LMSTUDIO_API_TOKEN", "LMSTUDIO_SERVER_API_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(background_server, "state_folder", lambda: tmp_path / "state")
    monkeypatch.setenv("COLUMNS", "80")
    yield
    background_server.stop(tmp_path / "state")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Provide a function that runs a command and returns exit code and lines of both streams."""

    def run(*arguments: str) -> tuple[int, list[str], list[str]]:
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out.splitlines(), captured.err.splitlines()

    return run
