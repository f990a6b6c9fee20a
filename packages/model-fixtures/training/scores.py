"""Counts of right answers, with the failures and Wilson's intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any


def interval(right: int, total: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share, both ends from 0 to 1; all of it for no answers."""
    if not total:
        return 0.0, 1.0
    z, share = 1.96, right / total
    scale = 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass
class Score:
    """Right answers of a set; ``failures`` say what was asked, expected and answered."""

    right: int = 0
    total: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, fine: bool, failure: dict[str, Any]) -> None:
        """Count one answer; ``failure`` describes it and is kept if it was wrong."""
        self.right += fine
        self.total += 1
        if not fine:
            self.failures.append(failure)

    @property
    def share(self) -> float:
        """The share of right answers, from 0 to 1; 0 without any."""
        return self.right / self.total if self.total else 0.0

    def __add__(self, other: Score) -> Score:
        """Return both sets as one."""
        return Score(
            self.right + other.right, self.total + other.total, self.failures + other.failures
        )

    def __str__(self) -> str:
        """Return "190/200 = 95.0 % (91.0 to 97.3)", as the model cards have it."""
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
