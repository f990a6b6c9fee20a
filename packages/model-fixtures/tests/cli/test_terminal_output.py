"""Progress on terminals and in other output."""

from __future__ import annotations

import io
import re

import pytest
from model_fixtures.cli.terminal_output import DownloadProgress, LoadProgress
from model_fixtures.host_models import LoadEvent
from rich.console import Console


@pytest.fixture
def terminal() -> Console:
    """Return a terminal of 80 columns whose output can be read."""
    return Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)


def text(terminal: Console) -> str:
    """Return what was written to the terminal."""
    assert isinstance(terminal.file, io.StringIO)
    return terminal.file.getvalue()


def test_loading_on_a_terminal(terminal: Console) -> None:
    """On a terminal, every model has a bar, and failures are printed above the bars."""
    with LoadProgress(terminal) as progress:
        progress(LoadEvent("one", "loading", 0.5))
        progress(LoadEvent("two", "loading"))
        progress(LoadEvent("two", "failed", text="no memory"))
        progress(LoadEvent("one", "loaded", 1.0))
    written = text(terminal)
    assert "failed two: no memory" in written
    assert re.search(r"one .*100%", written)
    assert re.search(r"two .* 0%", written)


@pytest.mark.parametrize("width", [60, 80])
def test_names_and_figures_are_whole(width: int) -> None:
    """On a terminal of 60 columns, too, names and figures are whole and on one line."""
    name = "text-embedding-nomic-embed-text-v1.5"
    narrow = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    with LoadProgress(narrow) as loading:
        loading(LoadEvent(name, "loading", 0.5))
    assert re.search(rf"{name} .*50%", text(narrow))
    with DownloadProgress(narrow) as downloading:
        downloading(name, 123_000_000, 180_000_000)
    assert re.search(rf"{name} .*123.0/180.0 MB", text(narrow))


@pytest.mark.parametrize("no_color", [True, False])
def test_no_color(no_color: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR, nothing is coloured on a terminal."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    coloured = Console(file=io.StringIO(), force_terminal=True, width=80)
    with LoadProgress(coloured) as progress:
        progress(LoadEvent("one", "loading", 0.5))
    colours = re.findall(r"\x1b\[[0-9;]*(?:3[0-7]|38;[0-9;]+|9[0-7])m", text(coloured))
    assert bool(colours) is not no_color


def test_loading_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal, each model has one line, which is printed when it is done."""
    with LoadProgress() as progress:
        progress(LoadEvent("old", "unloaded"))
        for fraction in (0.0, 0.5, 1.0):
            progress(LoadEvent("one", "loading", fraction))
        progress(LoadEvent("one", "loaded", 1.0))
        progress(LoadEvent("two", "failed", text="no memory"))
    assert capsys.readouterr().out == "unloaded old\nloaded one\nfailed two: no memory\n"


def test_downloading_on_a_terminal(terminal: Console) -> None:
    """On a terminal, a download has a bar with its size."""
    with DownloadProgress(terminal) as progress:
        progress("smollm2", 0, 2_000_000)
        progress("smollm2", 2_000_000, 2_000_000)
    assert "2.0/2.0 MB" in text(terminal)


def test_downloading_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal, a download has one line at its beginning and one at its end."""
    with DownloadProgress() as progress:
        for done in (0, 10, 2_000_000):
            progress("smollm2", done, 2_000_000)
    assert capsys.readouterr().out == "downloading smollm2 (2 MB)\ndownloaded smollm2\n"


def test_making_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Weights that are made on this machine are said to be made, not downloaded."""
    with DownloadProgress() as progress:
        progress("smollm2-tools", 0, 2_000_000)
        progress("smollm2-tools", 2_000_000, 2_000_000)
    assert capsys.readouterr().out == "making smollm2-tools (2 MB)\nmade smollm2-tools\n"
