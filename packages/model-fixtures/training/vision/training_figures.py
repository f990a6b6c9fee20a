"""The figures with several parts that only training draws; the evaluation has others.

Every figure is mostly of one colour: parts in other colours are less than a third of it.
"""

from collections.abc import Callable
from random import Random

from PIL import ImageDraw

from .palette import Rgb, lighter

Draw = ImageDraw.ImageDraw


class Pen:
    """Draws in a box of an image, in coordinates from 0 to 1 to the right and down."""

    def __init__(self, draw: Draw, left: float, top: float, width: float, height: float) -> None:
        self._draw, self._left, self._top = draw, left, top
        self.width, self.height = width, height

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel coordinates of a point."""
        return self._left + x * self.width, self._top + y * self.height

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Rgb) -> None:
        """Fill the ellipse with the centre (x, y) and the radii `rx` and `ry`."""
        self._draw.ellipse((*self.at(x - rx, y - ry), *self.at(x + rx, y + ry)), fill=fill)

    def box(self, x: float, y: float, rx: float, ry: float, fill: Rgb) -> None:
        """Fill the rectangle with the centre (x, y) and half the sides `rx` and `ry`."""
        self._draw.rectangle((*self.at(x - rx, y - ry), *self.at(x + rx, y + ry)), fill=fill)

    def polygon(self, points: list[tuple[float, float]], fill: Rgb) -> None:
        """Fill a polygon."""
        self._draw.polygon([self.at(x, y) for x, y in points], fill=fill)

    def line(self, points: list[tuple[float, float]], width: float, fill: Rgb) -> None:
        """Draw a line; `width` is a share of the shorter side."""
        pixels = max(1, round(width * min(self.width, self.height)))
        self._draw.line([self.at(x, y) for x, y in points], fill=fill, width=pixels, joint="curve")


def _eyes(pen: Pen, x: float, y: float, gap: float, size: float, rng: Random) -> None:
    dark = (rng.randint(0, 40),) * 3
    for side in (-gap, gap):
        if rng.random() < 0.7:
            pen.ellipse(x + side, y, size, size, (255, 255, 255))
        pen.ellipse(x + side, y, size * 0.55, size * 0.6, (dark[0], dark[1], dark[2]))


def animal(pen: Pen, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw an animal with legs, body, head, ears and perhaps a tail and a belly."""
    shade = lighter(main, rng.uniform(-0.2, 0.2))
    if rng.random() < 0.8:
        pen.line(
            [(0.2, 0.65), (0.06, rng.uniform(0.3, 0.8)), (0.1, rng.uniform(0.2, 0.5))], 0.07, main
        )
    for x in (0.3, 0.45, 0.6, 0.72)[:: rng.choice((1, 3))]:
        pen.box(x, 0.87, 0.05, 0.12, shade)
    pen.ellipse(0.48, 0.66, rng.uniform(0.28, 0.36), rng.uniform(0.18, 0.26), main)
    if rng.random() < 0.5:
        pen.ellipse(0.48, 0.72, 0.16, 0.1, rng.choice((accent, lighter(main, 0.5))))
    head = rng.uniform(0.17, 0.25)
    x, y = rng.uniform(0.5, 0.7), 0.3
    for side in (-1, 1):
        ear = x + side * head * 0.7
        if rng.random() < 0.5:
            pen.polygon(
                [(ear - 0.08, y - 0.1), (ear + side * 0.04, 0.01), (ear + 0.08, y - 0.1)], main
            )
        else:
            pen.ellipse(ear, y - 0.16, 0.07, rng.uniform(0.07, 0.13), main)
    pen.ellipse(x, y, head, head * 0.95, main)
    _eyes(pen, x, y - 0.03, head * 0.42, head * 0.22, rng)
    pen.ellipse(x, y + head * 0.35, 0.03, 0.02, rng.choice((accent, (30, 20, 20))))


def monster(pen: Pen, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a blob with feet and eyes, perhaps with arms, horns, spots and a mouth."""
    for side in (-1, 1):
        if rng.random() < 0.7:
            pen.line(
                [(0.5 + side * 0.25, 0.6), (0.5 + side * 0.46, rng.uniform(0.35, 0.8))], 0.08, main
            )
        if rng.random() < 0.5:
            tip = 0.5 + side * rng.uniform(0.12, 0.3)
            pen.polygon([(tip - 0.05, 0.25), (tip + side * 0.05, 0.02), (tip + 0.05, 0.25)],
                        rng.choice((main, accent)))  # fmt: skip
        pen.ellipse(0.5 + side * 0.15, 0.93, 0.11, 0.06, lighter(main, -0.15))
    if rng.random() < 0.5:
        pen.ellipse(0.5, 0.55, rng.uniform(0.28, 0.38), 0.4, main)
    else:
        pen.box(0.5, 0.57, rng.uniform(0.25, 0.35), 0.36, main)
    for _ in range(rng.randint(0, 5)):
        pen.ellipse(rng.uniform(0.32, 0.68), rng.uniform(0.6, 0.85), 0.04, 0.04, accent)
    if rng.random() < 0.4:
        pen.ellipse(0.5, 0.4, 0.13, 0.13, (255, 255, 255))
        pen.ellipse(0.5, 0.42, 0.07, 0.07, (20, 20, 30))
    else:
        _eyes(pen, 0.5, rng.uniform(0.33, 0.45), 0.13, rng.uniform(0.05, 0.09), rng)
    if rng.random() < 0.6:
        pen.box(0.5, 0.62, 0.12, 0.025, rng.choice(((30, 0, 0), (255, 255, 255), accent)))


def head_only(pen: Pen, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a round or square face with eyes, a mouth, and perhaps hair."""
    if rng.random() < 0.3:
        pen.ellipse(0.5, 0.14, rng.uniform(0.1, 0.3), 0.12, accent)
    if rng.random() < 0.75:
        pen.ellipse(0.5, 0.52, rng.uniform(0.4, 0.47), 0.45, main)
    else:
        pen.box(0.5, 0.52, 0.4, 0.4, main)
    _eyes(pen, 0.5, rng.uniform(0.36, 0.46), rng.uniform(0.13, 0.2), rng.uniform(0.05, 0.1), rng)
    mouth = rng.uniform(0.66, 0.76)
    dark = rng.choice(((40, 0, 0), (0, 0, 0), accent))
    if rng.random() < 0.5:
        ends, middle = mouth - 0.04, mouth + 0.03
        pen.line([(0.33, ends), (0.42, middle), (0.58, middle), (0.67, ends)], 0.04, dark)
    else:
        pen.ellipse(0.5, mouth, rng.uniform(0.06, 0.16), 0.05, dark)


def fish(pen: Pen, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a fish that swims to the left."""
    pen.polygon(
        [(0.68, 0.5), (0.98, 0.25), (0.92, 0.5), (0.98, 0.75)], rng.choice((main, main, accent))
    )
    pen.polygon([(0.35, 0.4), (0.55, rng.uniform(0.08, 0.2)), (0.62, 0.4)], lighter(main, -0.15))
    pen.ellipse(0.4, 0.5, 0.36, rng.uniform(0.18, 0.28), main)
    for x in (0.42, 0.55)[: rng.randint(0, 2)]:
        pen.box(x, 0.5, 0.025, 0.16, accent)
    pen.ellipse(0.18, 0.45, 0.05, 0.05, (255, 255, 255))
    pen.ellipse(0.17, 0.45, 0.025, 0.025, (0, 0, 0))


def robot(pen: Pen, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a robot of boxes, with an antenna."""
    metal = lighter(main, rng.uniform(-0.25, 0.1))
    pen.line([(0.5, 0.15), (0.5, 0.03)], 0.03, metal)
    pen.ellipse(0.5, 0.04, 0.035, 0.035, accent)
    for side in (-1, 1):
        pen.box(0.5 + side * 0.33, 0.55, 0.06, rng.uniform(0.12, 0.2), metal)
        pen.box(0.5 + side * 0.13, 0.87, 0.07, 0.12, metal)
    pen.box(0.5, 0.58, 0.25, 0.2, main)
    pen.box(0.5, 0.25, rng.uniform(0.15, 0.22), 0.12, main)
    _eyes(pen, 0.5, 0.23, 0.08, 0.035, rng)
    if rng.random() < 0.6:
        pen.box(0.5, 0.57, 0.12, 0.08, rng.choice((accent, lighter(main, 0.4))))


def vehicle(pen: Pen, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a car with windows and wheels."""
    roof = rng.uniform(0.2, 0.32)
    pen.polygon([(0.22, 0.5), (0.3, roof), (0.72, roof), (0.82, 0.5)], main)
    pen.box(0.5, 0.6, 0.46, 0.15, main)
    glass = rng.choice(((210, 235, 250), (60, 70, 80)))
    for x in (0.39, 0.62):
        pen.box(x, (roof + 0.5) / 2, 0.08, 0.07, glass)
    for x in (0.24, 0.76):
        pen.ellipse(x, 0.76, 0.1, 0.11, (25, 25, 25))
        pen.ellipse(x, 0.76, 0.045, 0.05, (190, 190, 190))
    pen.box(0.93, 0.58, 0.03, 0.03, accent)


def bird(pen: Pen, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a bird from the side, with beak and legs in the colour `accent`."""
    for x in (0.42, 0.52):
        pen.line([(x, 0.75), (x, 0.96)], 0.03, accent)
    pen.polygon([(0.8, 0.4), (0.99, 0.45), (0.97, 0.55), (0.7, 0.6)], lighter(main, -0.2))
    pen.polygon([(0.18, 0.25), (0.01, 0.32), (0.18, 0.38)], accent)
    pen.ellipse(0.52, 0.56, 0.33, rng.uniform(0.2, 0.27), main)
    pen.ellipse(0.28, 0.3, 0.16, 0.17, main)
    pen.ellipse(0.58, 0.53, 0.18, 0.11, lighter(main, rng.uniform(-0.3, 0.3)))
    pen.ellipse(0.25, 0.27, 0.03, 0.03, (0, 0, 0) if sum(main) > 200 else (255, 255, 255))


def plant(pen: Pen, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a big blossom or tree top of the main colour on a thin stem."""
    stem = (rng.randint(60, 110), rng.randint(60, 120), 40)
    pen.box(0.5, 0.78, 0.035, 0.2, stem)
    if rng.random() < 0.5:
        for x, y in ((0.5, 0.18), (0.26, 0.34), (0.74, 0.34), (0.34, 0.58), (0.66, 0.58)):
            pen.ellipse(x, y, 0.19, 0.19, main)
        pen.ellipse(0.5, 0.4, 0.12, 0.12, accent)
    else:
        for x, y in ((0.5, 0.25), (0.3, 0.42), (0.7, 0.42), (0.5, 0.48)):
            pen.ellipse(x, y, 0.26, 0.23, main)


DRAWINGS: tuple[Callable[[Pen, Rgb, Rgb, Random], None], ...] = (
    animal, animal, monster, monster, head_only, head_only, fish, robot, vehicle, bird, plant,
)  # fmt: skip
