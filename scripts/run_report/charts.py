"""The bars of the page's charts, with lengths in percent: the page draws them as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from model_fixtures.run_results import Run, Test

from .behaviours import Cell, Part
from .words import duration

# Upper bounds in seconds of the groups of tests by time; three for each power of ten would be many.
BOUNDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
SLOWEST = 20


@dataclass(frozen=True)
class Bar:
    """A bar: where it begins and how long it is, in percent of the space, and what it says."""

    length: float
    text: str
    kind: str = ""  # a CSS class, or the number of the run that gives it its colour
    start: float = 0.0


@dataclass(frozen=True)
class Row:
    """A row of a chart, with a bar for each run."""

    label: str
    bars: list[Bar]


def outcome_bars(cell: Cell) -> list[Bar]:
    """Return bars of a run's outcomes, one behind the other; each that is there can be seen."""
    order = ("passed", "failed", "error", "xpassed", "xfailed", "skipped")
    counts = {each: cell.counts[each] for each in order if cell.counts[each]}  # type: ignore[index]
    least = 1.0  # percent
    shares = {each: max(least, 100.0 * count / cell.total) for each, count in counts.items()}
    whole = sum(shares.values())
    bars, start = [], 0.0
    for each, share in shares.items():
        length = 100.0 * share / whole
        bars.append(Bar(length, f"{counts[each]} {each}", each, start))
        start += length
    return bars


def times_of_tests(runs: Sequence[Run]) -> list[Row]:
    """Return how many tests of each run took how long; skipped ones took no time."""
    counts = []
    for run in runs:
        numbers = [0] * (len(BOUNDS) + 1)
        for test in run.tests:
            if test.outcome != "skipped":
                numbers[sum(test.seconds >= bound for bound in BOUNDS)] += 1
        counts.append(numbers)
    most = max((number for numbers in counts for number in numbers), default=0) or 1
    labels = [
        f"under {duration(BOUNDS[0])}",
        *(f"{duration(a)} to {duration(b)}" for a, b in pairwise(BOUNDS)),
        f"{duration(BOUNDS[-1])} and more",
    ]
    return [
        Row(
            label,
            [
                Bar(100.0 * numbers[group] / most, f"{numbers[group]:,}", f"run{number}")
                for number, numbers in enumerate(counts)
            ],
        )
        for group, label in enumerate(labels)
    ]


def times_of_parts(parts: Sequence[Part]) -> list[Row]:
    """Return how long the tests of each part of the SDK took in each run."""
    most = max((cell.seconds for part in parts for cell in part.cells), default=0.0) or 1.0
    return [
        Row(
            part.title,
            [
                Bar(100.0 * cell.seconds / most, duration(cell.seconds), f"run{number}")
                for number, cell in enumerate(part.cells)
            ],
        )
        for part in parts
    ]


def slowest(run: Run) -> list[Test]:
    """Return the tests of a run that took longest, the longest first."""
    return sorted(run.tests, key=lambda test: -test.seconds)[:SLOWEST]
