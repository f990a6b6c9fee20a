"""Whether a model fits into this machine's memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

Fit = Literal["fitWithoutGPU", "willNotFit"]
# Beside its weights a model takes memory for its context and for computing.
OVERHEAD = 1.2


def estimate_fit(size: int, available: int | None) -> Fit:
    """Return whether a model of `size` bytes fits into the available bytes (None = unknown)."""
    fits = available is None or size * OVERHEAD <= available
    return "fitWithoutGPU" if fits else "willNotFit"


def available_memory() -> int | None:
    """Return the bytes of memory that programs can still have.

    Where that is unknown (not on Linux) it is all memory of the machine, and None where that is
    unknown, too (on Windows).
    """
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            name, _, amount = line.partition(":")
            if name == "MemAvailable":
                return int(amount.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
