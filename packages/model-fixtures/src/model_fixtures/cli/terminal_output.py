"""Output for users: progress bars on a terminal, plain lines elsewhere, and the status table."""

from __future__ import annotations

from typing import TypeVar

import click
from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from model_fixtures.host_models import HostInstance, HostStatus, LoadEvent, ModelStatus
from model_fixtures.weights import is_derived

WIDTH = 80
_Self = TypeVar("_Self", bound="_Bars")
_NAME = TextColumn("{task.description}")


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
        super().__init__(Progress(_NAME, BarColumn(), TaskProgressColumn(), console=console))

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
        columns = (_NAME, BarColumn(20), DownloadColumn(), TimeRemainingColumn(compact=True))
        super().__init__(Progress(*columns, console=console or Console()))
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


def show_status(status: HostStatus, console: Console | None = None) -> None:
    """Print the table of the suite's models, and extra loaded models below it."""
    console = console or Console()
    longest = max(len(each.model.key) for each in status.models)
    table = Table(box=box.SIMPLE_HEAD, width=min(WIDTH, console.width), pad_edge=False)
    table.add_column("model", overflow="fold", min_width=min(longest, WIDTH // 2))
    for heading in ("required", "downloaded"):
        table.add_column(heading, no_wrap=True)
    table.add_column("loaded", overflow="fold")
    for each in status.models:
        table.add_row(
            each.model.key, _yes(each.model.required), _yes(each.downloaded), _loaded(each)
        )
    console.print(table)
    show_extra(status.extra)


def show_extra(extra: tuple[HostInstance, ...]) -> None:
    """Name the loaded models that the suite does not expect, and say what they break."""
    for instance in extra:
        click.echo(f"extra: {instance.identifier} ({instance.type}, {instance.model_key})")
    if extra:
        click.echo("extra loaded models break tests that query loaded models: unload them")


def _loaded(status: ModelStatus) -> str:
    if status.instance is None:
        return "no" if status.model.required else "not needed"
    return status.problem or "yes"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
