"""Whether a model fits into this machine's memory."""

from __future__ import annotations

from typing import Literal

import psutil

Fit = Literal["fitWithoutGPU", "willNotFit"]
# Beside its weights a model takes memory for its context and for computing.
OVERHEAD = 1.2


def estimate_fit(size: int, available: int) -> Fit:
    """Return whether a model of `size` bytes fits into the available bytes."""
    return "fitWithoutGPU" if size * OVERHEAD <= available else "willNotFit"


def available_memory() -> int:
    """Return the bytes of memory that programs can still have."""
    return int(psutil.virtual_memory().available)
