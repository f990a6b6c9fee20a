"""Outlines of single figures, as polygons in a square from -1 to 1."""

import math
from collections.abc import Callable
from random import Random

Point = tuple[float, float]
Outline = list[Point]


def _arc(
    start: float, end: float, steps: int, radius: float = 1, centre: Point = (0, 0)
) -> Outline:
    return [
        (
            centre[0] + radius * math.cos(start + (end - start) * step / steps),
            centre[1] + radius * math.sin(start + (end - start) * step / steps),
        )
        for step in range(steps + 1)
    ]


def regular(corners: int) -> Outline:
    """Return a regular polygon with a corner at the top."""
    return _arc(-math.pi / 2, 1.5 * math.pi, corners)[:-1]


def circle(_: Random) -> Outline:
    """Return a circle."""
    return regular(40)


def square(rng: Random) -> Outline:
    """Return a square, sometimes with cut corners."""
    cut = rng.choice((0, 0, 0, rng.uniform(0, 0.12)))
    one, two = 0.9, 0.9 - cut
    return [(-one, -two), (-two, -one), (two, -one), (one, -two),
            (one, two), (two, one), (-two, one), (-one, two)]  # fmt: skip


def triangle(rng: Random) -> Outline:
    """Return a triangle with its apex near the middle."""
    top = rng.uniform(-0.35, 0.35)
    return [(top, -1), (0.95, 0.75), (-0.95, 0.75)]


def star(rng: Random) -> Outline:
    """Return a star, mostly with five points."""
    points = rng.choice((5, 5, 5, 5, 4, 6))
    inner = rng.uniform(0.36, 0.48)
    return [
        (radius * math.sin(math.pi * index / points), -radius * math.cos(math.pi * index / points))
        for index in range(2 * points)
        for radius in (1 if index % 2 == 0 else inner,)
    ]


def heart(_: Random) -> Outline:
    """Return a heart with its tip at the bottom."""
    outline = []
    for step in range(40):
        t = 2 * math.pi * step / 40
        x = 16 * math.sin(t) ** 3
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        outline.append((x / 16, -(y + 2.5) / 15))
    return outline


def cross(rng: Random) -> Outline:
    """Return a cross with four arms of equal length."""
    a = rng.uniform(0.22, 0.38)
    return [(-a, -1), (a, -1), (a, -a), (1, -a), (1, a), (a, a),
            (a, 1), (-a, 1), (-a, a), (-1, a), (-1, -a), (-a, -a)]  # fmt: skip


def moon(rng: Random) -> Outline:
    """Return a crescent that opens to the right."""
    shift = rng.uniform(0.4, 0.65)
    meet = math.acos(shift / 2)
    outer = _arc(meet, 2 * math.pi - meet, 28)
    inner = _arc(math.pi + meet, math.pi - meet, 20, 1, (shift, 0))
    return [(x + 0.25, y) for x, y in outer + inner]


def arrow(rng: Random) -> Outline:
    """Return an arrow that points right."""
    shaft, head = rng.uniform(0.16, 0.3), rng.uniform(0.0, 0.3)
    wide = rng.uniform(0.6, 0.8)
    return [(-1, -shaft), (head, -shaft), (head, -wide), (1, 0),
            (head, wide), (head, shaft), (-1, shaft)]  # fmt: skip


def oval(rng: Random) -> Outline:
    """Return an ellipse that is clearly not a circle."""
    flat = rng.uniform(0.4, 0.65)
    return [(x, y * flat) for x, y in regular(40)]


def rectangle(rng: Random) -> Outline:
    """Return a rectangle that is clearly not a square."""
    flat = rng.uniform(0.3, 0.6)
    return [(-1, -flat), (1, -flat), (1, flat), (-1, flat)]


def many_corners(rng: Random) -> Outline:
    """Return a pentagon or a hexagon."""
    return regular(rng.choice((5, 6)))


def blob(rng: Random) -> Outline:
    """Return a wavy, closed line."""
    waves = [(rng.randint(2, 5), rng.uniform(0.05, 0.2), rng.uniform(0, 6.3)) for _ in range(2)]
    outline = []
    for step in range(48):
        t = 2 * math.pi * step / 48
        radius = 0.75 + sum(size * math.sin(count * t + phase) for count, size, phase in waves)
        outline.append((radius * math.cos(t), radius * math.sin(t)))
    return outline


def drop(_: Random) -> Outline:
    """Return a drop with its tip at the top."""
    return [(0, -1), *_arc(-0.5, math.pi + 0.5, 30, 0.62, (0, 0.35))]


# The outline, how far it may be turned (degrees), and how far it may be stretched (a factor).
Recipe = tuple[Callable[[Random], Outline], float, float]
NAMED: dict[str, Recipe] = {
    "circle": (circle, 180, 1.1),
    "square": (square, 25, 1.1),
    "triangle": (triangle, 180, 1.25),
    "star": (star, 180, 1.15),
    "heart": (heart, 35, 1.2),
    "cross": (cross, 180, 1.15),
    "moon": (moon, 180, 1.15),
    "arrow": (arrow, 180, 1.2),
}
OTHERS: tuple[Recipe, ...] = (
    (oval, 180, 1.0), (rectangle, 180, 1.0), (many_corners, 180, 1.1), (blob, 180, 1.4),
    (drop, 180, 1.3),
)  # fmt: skip


def placed(recipe: Recipe, centre: Point, radius: float, rng: Random) -> Outline:
    """Return an outline in pixels, randomly turned and stretched, within `radius` of `centre`."""
    draw, turn, stretch = recipe
    outline = draw(rng)
    wide = rng.uniform(1 / stretch, stretch)
    outline = [(x * min(1, wide), y * min(1, 1 / wide)) for x, y in outline]
    angle = math.radians(rng.uniform(-turn, turn))
    sin, cos = math.sin(angle), math.cos(angle)
    turned = [(x * cos - y * sin, x * sin + y * cos) for x, y in outline]
    left, right = min(x for x, _ in turned), max(x for x, _ in turned)
    top, bottom = min(y for _, y in turned), max(y for _, y in turned)
    scale = 2 * radius / max(right - left, bottom - top)
    middle = ((left + right) / 2, (top + bottom) / 2)
    return [
        (centre[0] + (x - middle[0]) * scale, centre[1] + (y - middle[1]) * scale)
        for x, y in turned
    ]
