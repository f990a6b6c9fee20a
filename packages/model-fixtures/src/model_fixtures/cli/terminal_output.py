"""Progress for users: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import TypeVar

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from model_fixtures.host_models import LoadEvent
from model_fixtures.weights import is_derived

WIDTH = 80  # columns; on a narrower terminal bars give way to names and figures
_Self = TypeVar("_Self", bound="_Bars")


def _name_and_bar(console: Console, bar: int) -> tuple[ProgressColumn, ...]:
    """Return columns with the whole name, and with a bar if there is room for it."""
    name = TextColumn("{task.description}", table_column=Column(overflow="fold"))
    return (name, BarColumn(bar)) if console.width >= WIDTH else (name,)


class _Bars:
    """Progress bars that are shown while the context is open, on terminals only."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self.visible = progress.console.is_terminal

    def __enter__(self: _Self) -> _Self:
        if self.visible:
            self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self.visible:
            self._progress.stop()

    def update(self, name: str, completed: float, total: float) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._tasks[name], completed=completed, total=total)

    def say(self, line: str) -> None:
        """Print a line, above the bars if they are shown."""
        if self.visible:
            self._progress.console.print(line, highlight=False, markup=False, soft_wrap=True)
        else:
            click.echo(line)


class LoadProgress(_Bars):
    """Progress bars for models that are being loaded; call it with each event."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console()
        columns = (*_name_and_bar(console, 40), TaskProgressColumn())
        super().__init__(Progress(*columns, console=console))

    def __call__(self, event: LoadEvent) -> None:
        """Show an event."""
        if event.state == "loading":
            self.update(event.name, event.fraction, 1.0)
        elif event.state == "loaded":
            self.update(event.name, 1.0, 1.0)
        if event.state == "failed":
            self.say(f"failed {event.name}: {event.text}")
        elif event.state == "unloaded" or (event.state == "loaded" and not self.visible):
            self.say(f"{event.state} {event.name}")


class DownloadProgress(_Bars):
    """Progress bars for downloads; call it with a name, the bytes so far and the total."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console()
        figures = (DownloadColumn(), TimeRemainingColumn(compact=True))
        super().__init__(Progress(*_name_and_bar(console, 20), *figures, console=console))
        self._seen: set[str] = set()

    def __call__(self, name: str, done: int, total: int) -> None:
        """Show how far a download is."""
        self.update(name, done, total)
        if self.visible:
            return
        if name not in self._seen:
            self._seen.add(name)
            what = "making" if is_derived(name) else "downloading"
            click.echo(f"{what} {name} ({total / 1e6:.0f} MB)")
        if done >= total:
            click.echo(f"{'made' if is_derived(name) else 'downloaded'} {name}")
