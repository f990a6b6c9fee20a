"""The result of the evaluation as a table, as rows for the model cards, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from .quality_bars import BARS, LIMITS, BarResult, Group
from .scores import Score

_MET = {True: "yes", False: "NO", None: "?"}
# How the vision card describes each set, with its number of images.
_CARD = {
    "colour": "colour, {n} images in both orders, sides 64 to 1600 px, wide, tall, transparent",
    "parts": "colour, figures with several parts, {n} images in both orders",
    "shape": "shape of 8, {n} images, orders in turn",
    "empty": "no figure, not given a colour, {n} images",
}
_TWICE = ("colour", "parts")  # asked in both orders: two answers about one image


def table(rows: Sequence[BarResult]) -> Table:
    """Return a table of the bars, what was measured, and whether each bar is met."""
    shown = Table("bar", "at least / most", "measured (95 % interval)", "met", box=box.SIMPLE)
    for row in rows:
        shown.add_row(row.what, row.bar, row.measured, _MET[row.met])
    return shown


def card_rows(
    group: Group, scores: Mapping[str, Score], images: Mapping[str, Score] | None = None
) -> list[str]:
    """Return the rows of a model card's score table, ready to paste.

    Args:
        group: the model whose card gets the rows.
        scores: the scores of answers, by the keys of the bars.
        images: for vision, the scores of images that were right in every order asked.
    """
    lines = []
    for bar in BARS:
        score = scores.get(bar.key)
        if bar.group != group or score is None:
            continue
        if group != "vision":
            lines.append(f"| {bar.what} | {100 * bar.least:.0f} % | {score} |")
            continue
        whole = (images or {}).get(bar.key, Score())
        what = _CARD[bar.key].format(n=whole.total)
        last = f"| {whole} |" if bar.key in _TWICE else "| |"
        lines.append(f"| {what} | {100 * bar.least:.0f} % | {score} {last}")
    return lines


def figures_line(group: Group, rows: Sequence[BarResult]) -> str:
    """Return a group's figures (times, memory, speed) as a line for its card; "" without any."""
    wanted = {limit.what for limit in LIMITS if limit.group == group}
    return "; ".join(f"{row.what}: {row.measured}" for row in rows if row.what in wanted)
