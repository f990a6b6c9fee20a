"""Rounding to Q4_0 with the best of a few scales."""

from __future__ import annotations

import gguf
import numpy as np
import pytest
from model_fixtures.weights.q4_0_rounding import Matrix, to_q4_0

KIND = gguf.GGMLQuantizationType.Q4_0


def error(weight: Matrix, stored: np.ndarray) -> float:
    """Return the squared error of a matrix that was stored in Q4_0."""
    found: Matrix = gguf.dequantize(stored, KIND)
    return float(((found - weight) ** 2).sum())


@pytest.mark.parametrize("spread", [1e-3, 1.0, 30.0])
def test_error_is_smaller_than_that_of_the_largest_number(spread: float) -> None:
    """Random numbers lose a tenth less than with the scale that gguf takes."""
    weight = np.random.default_rng(3).normal(0, spread, (64, 96)).astype(np.float32)
    assert error(weight, to_q4_0(weight)) < 0.93 * error(weight, gguf.quantize(weight, KIND))


def test_every_block_is_at_least_as_near() -> None:
    """The scale of gguf is among those that are tried, so no block gets worse."""
    blocks = np.random.default_rng(4).standard_cauchy((200, 32)).astype(np.float32)
    for block in blocks:
        row = block[None]
        assert error(row, to_q4_0(row)) <= error(row, gguf.quantize(row, KIND)) * (1 + 1e-5)


def test_zeros_stay_zeros() -> None:
    """A block without any number has no scale, and is read as zeros."""
    weight = np.zeros((2, 64), np.float32)
    stored = to_q4_0(weight)
    assert stored.shape == (2, 36)
    assert not gguf.dequantize(stored, KIND).any()
