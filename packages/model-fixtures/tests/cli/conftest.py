"""What tests of the command line share."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model_fixtures.catalog import load_catalog
from model_fixtures.cli import main
from model_fixtures.hosts import background

from ..fake_host import FakeHost, info  # noqa: TID252 (tests are no importable package)

Run = Callable[..., tuple[int, list[str], list[str]]]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A state folder of our own and none of the user's settings; what was started is stopped."""
    for variable in ("LMSTUDIO_API_HOST", "LMSTUDIO_API_TOKEN", "LMSTUDIO_SERVER_API_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(background, "state_folder", lambda: tmp_path / "state")
    monkeypatch.setenv("COLUMNS", "80")
    yield
    background.stop(tmp_path / "state")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs a command: exit code, lines on stdout, lines on stderr."""

    def run(*arguments: str) -> tuple[int, list[str], list[str]]:
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out.splitlines(), captured.err.splitlines()

    return run


@pytest.fixture
def host(fake_host: FakeHost) -> FakeHost:
    """A host that has downloaded all models of the suite."""
    fake_host.downloaded = [
        info(each.key, each.path, each.domain) for each in load_catalog().models
    ]
    return fake_host


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C reaches child processes, also when this one was started to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
