"""Arithmetic with embedding vectors."""

import math
from collections.abc import Sequence
from typing import cast

Vector = Sequence[float]
Embedded = Sequence[float] | Sequence[Sequence[float]]
"""The declared result of embedding: one vector for a text, or several vectors for several texts."""


def vector(result: Embedded) -> Vector:
    """Return the result for a single text, typed as one vector."""
    return cast(Vector, result)


def vectors(result: Embedded) -> Sequence[Vector]:
    """Return the result for several texts, typed as several vectors."""
    return cast(Sequence[Vector], result)


def length(of: Vector) -> float:
    """Return the Euclidean length of a vector."""
    return math.sqrt(math.fsum(value * value for value in of))


def cosine(one: Vector, other: Vector) -> float:
    """Return the cosine of the angle between two vectors."""
    product = math.fsum(a * b for a, b in zip(one, other, strict=True))
    return product / (length(one) * length(other))
