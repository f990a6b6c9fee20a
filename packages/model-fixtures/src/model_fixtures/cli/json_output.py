"""Output for programs: one JSON value on stdout."""

from __future__ import annotations

from typing import Any

import click
import msgspec

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead of text."
)


def print_json(value: Any) -> None:
    """Print a value as JSON, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode("utf-8"))
