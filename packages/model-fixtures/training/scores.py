"""Counts of right answers, the wrong answers, and Wilson intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any


def interval(right: int, total: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share, both ends from 0 to 1; (0, 1) without answers."""
    if not total:
        return 0.0, 1.0
    z, share = 1.96, right / total
    scale = 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass
class Score:
    """The score of a set; ``failures`` describe the wrong answers as JSON data."""

    right: int = 0
    total: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, fine: bool, failure: dict[str, Any]) -> None:
        """Count one answer; keep ``failure``, its description, if it is wrong."""
        self.right += fine
        self.total += 1
        if not fine:
            self.failures.append(failure)

    @property
    def share(self) -> float:
        """The share of right answers, from 0 to 1; 0 without any."""
        return self.right / self.total if self.total else 0.0

    def __add__(self, other: Score) -> Score:
        """Return the score of both sets together."""
        return Score(
            self.right + other.right, self.total + other.total, self.failures + other.failures
        )

    def __str__(self) -> str:
        """Return the score as the model cards show it: "190/200 = 95.0 % (91.0 to 97.3)"."""
        low, high = interval(self.right, self.total)
        share = f"{self.right}/{self.total} = {100 * self.share:.1f} %"
        return f"{share} ({100 * low:.1f} to {100 * high:.1f})"

    def data(self) -> dict[str, Any]:
        """Return the score as JSON data; shares from 0 to 1."""
        low, high = interval(self.right, self.total)
        return {
            "right": self.right,
            "total": self.total,
            "share": self.share,
            "low": low,
            "high": high,
            "failures": self.failures,
        }
