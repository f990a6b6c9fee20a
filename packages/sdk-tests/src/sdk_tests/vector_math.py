"""Arithmetic with embedding vectors."""

import math
from collections.abc import Sequence
from typing import cast

Vector = Sequence[float]
Embedded = Sequence[float] | Sequence[Sequence[float]]
"""What the SDK says that it returns, for one text and for several."""


def vector(result: Embedded) -> Vector:
    """Return what was made of a single text."""
    return cast(Vector, result)


def vectors(result: Embedded) -> Sequence[Vector]:
    """Return what was made of several texts."""
    return cast(Sequence[Vector], result)


def length(of: Vector) -> float:
    """Return the Euclidean length."""
    return math.sqrt(math.fsum(value * value for value in of))


def cosine(one: Vector, other: Vector) -> float:
    """Return the cosine of the angle between two vectors."""
    product = math.fsum(a * b for a, b in zip(one, other, strict=True))
    return product / (length(one) * length(other))
