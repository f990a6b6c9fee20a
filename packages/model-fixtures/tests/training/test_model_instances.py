"""Conversations that several instances of a model share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from training.model_instances import with_instances


def test_instances_share_the_cases() -> None:
    """Every case goes to exactly one model, and each model runs beside the other."""
    both = threading.Barrier(2, timeout=30)

    def hold(model: Any, remaining: Iterator[int]) -> list[int]:
        first = next(remaining)
        both.wait()  # so that neither takes all
        return [first, *remaining]

    models: list[Any] = ["one", "two"]
    found = with_instances(models, range(10), hold)
    assert len(found) == 2
    assert sorted(case for cases in found for case in cases) == list(range(10))


def test_failure_of_one_is_raised() -> None:
    """An error in the conversations of a model is not lost."""

    def hold(model: Any, remaining: Iterator[int]) -> None:
        raise RuntimeError(model)

    models: list[Any] = ["one"]
    with pytest.raises(RuntimeError, match="one"):
        with_instances(models, range(3), hold)
