"""The status of the test models: a table, a list on narrow terminals, or JSON."""

from __future__ import annotations

from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from model_fixtures.host_models import HostInstance, HostModel, HostStatus, ModelStatus
from model_fixtures.hosts import HostSelection

from .terminal_output import WIDTH

NARROW = 72  # columns; below, a table would have to break words


def show_status(status: HostStatus, console: Console | None = None) -> None:
    """Print the test models, and extra loaded models below them."""
    console = console or Console()
    if console.width < NARROW:
        _show_list(status, console.width)
    else:
        _show_table(status, console)
    show_extra(status.extra)


def show_extra(extra: tuple[HostInstance, ...]) -> None:
    """Name the loaded models that are no test models, and say what they break."""
    for instance in extra:
        click.echo(f"extra: {instance.identifier} ({instance.type}, {instance.model_key})")
    if extra:
        click.echo("extra loaded models break tests that query loaded models: unload them")


def show_others(others: tuple[HostModel, ...]) -> None:
    """Name the downloaded models that are no test models."""
    for model in others:
        click.echo(f"also there: {model.model_key} ({model.path})")


def status_facts(selection: HostSelection, status: HostStatus) -> dict[str, Any]:
    """Return what `status` says, for programs."""
    host = selection.host
    return {
        "host": None if host is None else {"address": host.address, "own_server": host.own_server},
        "reason": selection.reason,
        "ready": status.ready,
        "models": [
            {
                "key": each.model.key,
                "path": each.model.path,
                "type": each.model.domain,
                "stand_in": each.model.stand_in,
                "required": each.model.required,
                "downloaded": each.downloaded,
                "loaded": each.instance is not None,
                "problem": each.problem,
            }
            for each in status.models
        ],
        "extra": [
            {"identifier": each.identifier, "type": each.type, "key": each.model_key}
            for each in status.extra
        ],
        "others": [{"key": each.model_key, "path": each.path} for each in status.others],
    }


def _show_table(status: HostStatus, console: Console) -> None:
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


def _show_list(status: HostStatus, width: int) -> None:
    for each in status.models:
        click.echo(each.model.key)
        facts = (
            f"required: {_yes(each.model.required)}, downloaded: {_yes(each.downloaded)},"
            f" loaded: {_loaded(each)}"
        )
        click.echo(click.wrap_text(facts, width, initial_indent="  ", subsequent_indent="    "))


def _loaded(status: ModelStatus) -> str:
    if status.instance is None:
        return "no" if status.model.required else "not needed"
    return status.problem or "yes"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
