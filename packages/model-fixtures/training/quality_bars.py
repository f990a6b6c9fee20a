"""The quality bars that the weights must reach, and the comparison of measurements with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .scores import Score

Group = Literal["vision", "tools", "chat"]


@dataclass(frozen=True)
class Bar:
    """The least share of right answers in a set; ``key`` names the set."""

    group: Group
    key: str
    what: str
    least: float  # 0 to 1


@dataclass(frozen=True)
class Limit:
    """A limit for a figure, in ``unit``: an upper limit if ``most``, else a lower one."""

    group: Group
    key: str
    what: str
    limit: float
    unit: str
    most: bool = True


@dataclass(frozen=True)
class BarResult:
    """A row of the final table; ``met`` is None where the figure can't be measured."""

    what: str
    bar: str
    measured: str
    met: bool | None


BARS = (
    Bar("vision", "colour", "colour of the main figure, 11 colours, both orders", 0.97),
    Bar("vision", "parts", "the same on figures with several parts", 0.90),
    Bar("vision", "shape", "shape, 8 shapes", 0.88),
    Bar("vision", "empty", "'no figure' images not given a colour", 0.80),
    Bar("tools", "single", "one call, exact tool and arguments, answer holds the result", 0.95),
    Bar("tools", "say", "say something first, then call, in one message", 0.93),
    Bar("tools", "error", "tool error explained", 0.93),
    Bar("tools", "plain", "no tool needed, no call made", 0.95),
    Bar("tools", "choice", "right tool of 3 to 6, half of the tools never seen", 0.90),
    Bar("tools", "two calls", "two calls, in one round or in consecutive ones", 0.85),
    Bar("tools", "copy", "strings copied exactly", 0.92),
    Bar("chat", "repeat", "phrases, words and messages repeated exactly", 0.97),
    Bar("chat", "recall", "facts, names and messages of the conversation recalled", 0.95),
    Bar("chat", "form", "answers in the form asked for: a word, capitals, a list, JSON", 0.93),
    Bar("chat", "greeting", "greetings answered with a greeting and a question", 0.97),
)
LIMITS = (
    Limit("vision", "answer", "answer about an image, median, one thread", 0.3, "s"),
    Limit("vision", "vision load", "load of the vision model, median", 1.0, "s"),
    Limit("vision", "vision memory", "memory of the vision model's process", 350, "MB"),
    Limit("tools", "speed", "decode speed against the plain model's", 0.85, "", most=False),
    Limit("tools", "tools load", "load of the tool-use model, median", 1.0, "s"),
    Limit("tools", "tools memory", "memory of the tool-use model's process", 350, "MB"),
    Limit("chat", "perplexity", "perplexity on plain English against the base model's", 1.15, ""),
    Limit("chat", "chat speed", "decode speed against the base's as Q4_0", 0.95, "", most=False),
)


def check_bars(scores: Mapping[str, Score], figures: Mapping[str, float | None]) -> list[BarResult]:
    """Compare scores and figures with their bars and limits; return a row for each.

    Args:
        scores: the scores by the keys of the bars; a bar without a score gets no row.
        figures: the figures by the keys of the limits, in the limits' units; None where a figure
            can't be measured. A limit without a figure gets no row.
    """
    rows = [
        BarResult(bar.what, f"{bar.least:.0%}", str(score), score.share >= bar.least)
        for bar in BARS
        if (score := scores.get(bar.key)) is not None
    ]
    for limit in LIMITS:
        if limit.key not in figures:
            continue
        value, unit = figures[limit.key], f" {limit.unit}".rstrip()
        bound = f"{'<' if limit.most else '>='} {limit.limit:g}{unit}"
        if value is None:
            rows.append(BarResult(limit.what, bound, "not measured", None))
            continue
        met = value < limit.limit if limit.most else value >= limit.limit
        shown = f"{value:.0f}" if limit.unit == "MB" else f"{value:.2f}"
        rows.append(BarResult(limit.what, bound, f"{shown}{unit}", met))
    return rows
