"""The progress of long loops in a log and on a terminal."""

from __future__ import annotations

from io import StringIO

from rich.console import Console
from training.progress import tracked


def lines(count: int, done: int = 0) -> list[str]:
    """Return what a loop over ``count`` items prints into a log."""
    log = StringIO()
    assert list(tracked(range(count), "cases", done, Console(file=log))) == list(range(count))
    return log.getvalue().splitlines()


def test_log_gets_twenty_lines() -> None:
    """A loop in a log prints a line after each twentieth of its items."""
    assert lines(100) == [f"cases: {number} of 100" for number in range(5, 101, 5)]


def test_last_item_gets_a_line() -> None:
    """The last item is reported even if it ends no twentieth."""
    assert lines(41)[-2:] == ["cases: 40 of 41", "cases: 41 of 41"]


def test_items_of_an_earlier_run_count() -> None:
    """Items that an earlier run has done are part of both numbers."""
    assert lines(3, done=7) == ["cases: 8 of 10", "cases: 9 of 10", "cases: 10 of 10"]


def test_lines_come_during_the_loop() -> None:
    """A line is in the log before the next item starts."""
    log = StringIO()
    loop = tracked(["a", "b"], "cases", console=Console(file=log))
    assert [next(loop), next(loop)] == ["a", "b"]
    assert log.getvalue() == "cases: 1 of 2\n"


def test_terminal_gets_a_bar() -> None:
    """On a terminal a bar shows the items, those of an earlier run among them."""
    shown = StringIO()
    console = Console(file=shown, force_terminal=True, width=80)
    assert list(tracked(range(3), "cases", 7, console)) == [0, 1, 2]
    assert "cases" in shown.getvalue()
    assert "100%" in shown.getvalue()
    assert "of 10" not in shown.getvalue()
