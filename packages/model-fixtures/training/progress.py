"""The progress of a long loop, on a terminal and in a log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

_LINES = 20  # lines in a log, for the whole loop

Item = TypeVar("Item")


def tracked(
    items: Sequence[Item], title: str, done: int = 0, console: Console | None = None
) -> Iterator[Item]:
    """Yield the items and show how many are done: as a bar, or off a terminal as lines.

    Args:
        items: what the loop goes through.
        title: what the items are.
        done: how many items an earlier run has done, which are not among ``items``.
        console: where to show the progress; by default the standard output.
    """
    console = console or Console()
    total = done + len(items)
    if console.is_terminal:
        with Progress(console=console) as bar:
            task = bar.add_task(title, total=total, completed=done)
            for item in items:
                yield item
                bar.advance(task)
        return
    every = max(1, total // _LINES)
    for number, item in enumerate(items, done + 1):
        yield item
        if number % every == 0 or number == total:
            console.print(f"{title}: {number} of {total}", highlight=False)
            console.file.flush()
