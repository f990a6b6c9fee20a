"""The figures with several parts that only the evaluation draws; training has others.

Coordinates are shares of a square box. One half of the shades are web colours, the other half are
from the palette.
"""

import math
from collections.abc import Callable, Sequence
from random import Random

from PIL import Image, ImageColor, ImageDraw
from training.vision.palette import Rgb, any_colour, distance, shade

WEB: dict[str, tuple[str, ...]] = {
    "red": ("red", "#e01010", "#c81414"),
    "orange": ("orange", "darkorange", "#ff7f0e"),
    "yellow": ("yellow", "gold", "#ffe135"),
    "green": ("green", "limegreen", "forestgreen", "seagreen"),
    "blue": ("blue", "royalblue", "dodgerblue", "mediumblue"),
    "purple": ("purple", "blueviolet", "rebeccapurple", "mediumpurple"),
    "pink": ("pink", "hotpink", "lightpink"),
    "brown": ("saddlebrown", "sienna", "#6b4423"),
    "black": ("black", "#101010"),
    "white": ("white", "#fafafa"),
    "gray": ("gray", "darkgray", "dimgray"),
}


def evaluation_shade(name: str, rng: Random) -> Rgb:
    """Return a random shade of a colour: one of its web colours, or one of its palette."""
    if rng.random() < 0.5:
        return shade(name, rng)
    red, green, blue = ImageColor.getrgb(rng.choice(WEB[name]))[:3]
    return red, green, blue


Points = Sequence[tuple[float, float]]


class Canvas:
    """Draws in a square box of an image."""

    def __init__(self, image: Image.Image, left: float, top: float, side: float) -> None:
        self._draw = ImageDraw.Draw(image)
        self._left, self._top, self._side = left, top, side

    def _at(self, points: Points) -> list[tuple[float, float]]:
        return [(self._left + x * self._side, self._top + y * self._side) for x, y in points]

    def round(self, x: float, y: float, width: float, height: float, fill: Rgb) -> None:
        """Fill the ellipse in the rectangle with this upper left corner and size."""
        self._draw.ellipse(self._at([(x, y), (x + width, y + height)]), fill=fill)

    def pie(self, x: float, y: float, size: float, start: int, end: int, fill: Rgb) -> None:
        """Fill a slice of the circle in this square, from `start` to `end`.

        Both are degrees, clockwise from the right.
        """
        self._draw.pieslice(self._at([(x, y), (x + size, y + size)]), start, end, fill=fill)

    def area(self, points: Points, fill: Rgb) -> None:
        """Fill a polygon."""
        self._draw.polygon(self._at(points), fill=fill)

    def soft(self, x: float, y: float, width: float, height: float, fill: Rgb) -> None:
        """Fill a rectangle with rounded corners."""
        self._draw.rounded_rectangle(
            self._at([(x, y), (x + width, y + height)]), self._side * min(width, height) / 3, fill
        )

    def stroke(self, points: Points, width: float, fill: Rgb) -> None:
        """Draw a line with round joints."""
        self._draw.line(self._at(points), fill, max(1, round(width * self._side)), "curve")


_INK = (15, 15, 20)
_PAPER = (252, 252, 252)


def _eye(canvas: Canvas, x: float, y: float, size: float) -> None:
    canvas.round(x, y, size, size, _PAPER)
    canvas.round(x + size * 0.3, y + size * 0.3, size * 0.5, size * 0.5, _INK)


def octopus(canvas: Canvas, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a dome with wavy arms."""
    for arm in range(6):
        x = 0.2 + arm * 0.12
        wave = [(x + 0.04 * math.sin(step * 1.5 + arm), 0.5 + step * 0.05) for step in range(9)]
        canvas.stroke(wave, 0.07, main)
    canvas.pie(0.15, 0.05, 0.7, 180, 360, main)
    canvas.soft(0.15, 0.38, 0.7, 0.22, main)
    _eye(canvas, 0.32, 0.3, 0.13)
    _eye(canvas, 0.55, 0.3, 0.13)
    if rng.random() < 0.5:
        canvas.round(0.44, 0.48, 0.12, 0.06, accent)


def rabbit(canvas: Canvas, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw long ears, a pear-shaped body and feet."""
    for x in (0.34, 0.54):
        canvas.round(x, 0.0, 0.13, 0.36, main)
        canvas.round(x + 0.04, 0.06, 0.05, 0.22, accent)
    canvas.round(0.2, 0.48, 0.6, 0.48, main)
    canvas.round(0.28, 0.24, 0.45, 0.38, main)
    canvas.round(0.18, 0.86, 0.26, 0.13, main)
    canvas.round(0.56, 0.86, 0.26, 0.13, main)
    for x in (0.38, 0.56):
        canvas.round(x, 0.36, 0.06, 0.08, _INK)
    canvas.area([(0.47, 0.48), (0.54, 0.48), (0.505, 0.52)], accent)


def snail(canvas: Canvas, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a big shell on a narrow foot."""
    canvas.soft(0.05, 0.74, 0.9, 0.14, accent)
    canvas.stroke([(0.88, 0.78), (0.9, 0.5)], 0.05, accent)
    canvas.round(0.86, 0.42, 0.09, 0.09, _INK)
    canvas.round(0.12, 0.16, 0.64, 0.64, main)
    darker = tuple(round(channel * 0.8) for channel in main)
    canvas.pie(0.28, 0.32, 0.32, 20, 300, (darker[0], darker[1], darker[2]))


def butterfly(canvas: Canvas, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw four wings and a thin body."""
    canvas.area([(0.5, 0.5), (0.05, 0.05), (0.02, 0.45), (0.3, 0.58)], main)
    canvas.area([(0.5, 0.5), (0.95, 0.05), (0.98, 0.45), (0.7, 0.58)], main)
    canvas.round(0.12, 0.52, 0.36, 0.38, main)
    canvas.round(0.52, 0.52, 0.36, 0.38, main)
    for x in (0.16, 0.72):
        canvas.round(x, 0.25, 0.12, 0.12, accent)
    canvas.soft(0.46, 0.2, 0.08, 0.66, _INK)


def owl(canvas: Canvas, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw an egg with wings, tufts and large eyes."""
    canvas.area([(0.22, 0.02), (0.45, 0.2), (0.2, 0.3)], main)
    canvas.area([(0.78, 0.02), (0.55, 0.2), (0.8, 0.3)], main)
    canvas.soft(0.17, 0.12, 0.66, 0.82, main)
    _eye(canvas, 0.27, 0.22, 0.18)
    _eye(canvas, 0.55, 0.22, 0.18)
    canvas.area([(0.45, 0.42), (0.55, 0.42), (0.5, 0.52)], accent)
    for row in range(rng.randint(0, 2)):
        for x in (0.35, 0.46, 0.57):
            canvas.pie(x, 0.6 + row * 0.1, 0.08, 0, 180, accent)


def turtle(canvas: Canvas, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a turtle from the side, with shell and skin of one colour."""
    for x in (0.2, 0.56):
        canvas.soft(x, 0.62, 0.14, 0.24, main)
    canvas.round(0.76, 0.4, 0.22, 0.2, main)
    canvas.round(0.88, 0.45, 0.04, 0.04, _INK)
    canvas.pie(0.06, 0.2, 0.76, 180, 360, main)
    canvas.soft(0.05, 0.56, 0.78, 0.1, accent)


def caterpillar(canvas: Canvas, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a row of balls, of which the first has an eye."""
    for index in range(5):
        y = 0.5 + 0.07 * math.sin(index * 1.7)
        canvas.stroke([(0.78 - index * 0.16, y + 0.2), (0.78 - index * 0.16, y + 0.33)], 0.04, _INK)
        canvas.round(0.65 - index * 0.155, y - 0.08, 0.3, 0.3, main)
    canvas.stroke([(0.82, 0.42), (0.9, 0.25)], 0.03, accent)
    _eye(canvas, 0.8, 0.48, 0.09)


def hat_face(canvas: Canvas, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a face under a hat."""
    canvas.round(0.14, 0.2, 0.72, 0.78, main)
    canvas.soft(0.1, 0.22, 0.8, 0.07, accent)
    canvas.soft(0.3, 0.02, 0.4, 0.24, accent)
    for x in (0.32, 0.56):
        canvas.round(x, 0.44, 0.12, 0.09, _PAPER)
        canvas.round(x + 0.04, 0.46, 0.05, 0.06, _INK)
    canvas.pie(0.36, 0.58, 0.28, 10, 170, _INK)


def glasses_face(canvas: Canvas, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a wide face with ears and glasses."""
    canvas.round(0.0, 0.4, 0.18, 0.24, main)
    canvas.round(0.82, 0.4, 0.18, 0.24, main)
    canvas.soft(0.1, 0.1, 0.8, 0.85, main)
    for x in (0.24, 0.56):
        canvas.round(x, 0.36, 0.2, 0.2, _INK)
        canvas.round(x + 0.03, 0.39, 0.14, 0.14, _PAPER)
    canvas.stroke([(0.44, 0.45), (0.56, 0.45)], 0.03, _INK)
    canvas.soft(0.36, 0.74, 0.28, 0.06, accent)


def house(canvas: Canvas, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a house with walls and roof of one colour."""
    canvas.area([(0.5, 0.05), (0.98, 0.45), (0.02, 0.45)], main)
    canvas.area([(0.12, 0.42), (0.88, 0.42), (0.88, 0.95), (0.12, 0.95)], main)
    canvas.area([(0.42, 0.65), (0.58, 0.65), (0.58, 0.95), (0.42, 0.95)], accent)
    for x in (0.2, 0.66):
        canvas.area([(x, 0.5), (x + 0.14, 0.5), (x + 0.14, 0.62), (x, 0.62)], _PAPER)


def sailboat(canvas: Canvas, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw two sails and a hull of one colour."""
    canvas.stroke([(0.5, 0.05), (0.5, 0.75)], 0.03, _INK)
    canvas.area([(0.53, 0.06), (0.92, 0.66), (0.53, 0.66)], main)
    canvas.area([(0.47, 0.15), (0.15, 0.66), (0.47, 0.66)], main)
    canvas.area([(0.05, 0.72), (0.95, 0.72), (0.78, 0.95), (0.22, 0.95)], main)


def rocket(canvas: Canvas, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a rocket with a window and fins."""
    canvas.area([(0.3, 0.6), (0.1, 0.9), (0.32, 0.85)], accent)
    canvas.area([(0.7, 0.6), (0.9, 0.9), (0.68, 0.85)], accent)
    canvas.area([(0.5, 0.0), (0.7, 0.3), (0.72, 0.85), (0.28, 0.85), (0.3, 0.3)], main)
    canvas.round(0.41, 0.32, 0.18, 0.18, _PAPER)
    canvas.area([(0.4, 0.86), (0.6, 0.86), (0.5, 1.0)], (255, 170, 0))


def balloon(canvas: Canvas, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a hot-air balloon."""
    canvas.stroke([(0.35, 0.6), (0.43, 0.85)], 0.015, _INK)
    canvas.stroke([(0.65, 0.6), (0.57, 0.85)], 0.015, _INK)
    canvas.round(0.15, 0.0, 0.7, 0.72, main)
    if rng.random() < 0.5:
        canvas.round(0.43, 0.0, 0.14, 0.72, accent)
    canvas.soft(0.42, 0.84, 0.16, 0.14, (120, 80, 40))


def mug(canvas: Canvas, main: Rgb, accent: Rgb, rng: Random) -> None:
    """Draw a mug with a handle and a stripe."""
    canvas.pie(0.6, 0.32, 0.38, 0, 360, main)
    canvas.soft(0.1, 0.15, 0.66, 0.75, main)
    canvas.area([(0.1, 0.45), (0.76, 0.45), (0.76, 0.55), (0.1, 0.55)], accent)
    canvas.round(0.13, 0.12, 0.6, 0.12, _INK)


KINDS: dict[str, Callable[[Canvas, Rgb, Rgb, Random], None]] = {
    drawing.__name__: drawing
    for drawing in (
        octopus, rabbit, snail, butterfly, owl, turtle, caterpillar, hat_face, glasses_face, house,
        sailboat, rocket, balloon, mug,
    )
}  # fmt: skip
OUTDOORS = {"house", "sailboat", "rocket", "balloon", "butterfly", "turtle"}


def scenery(size: tuple[int, int], kind: str, away: Rgb, rng: Random) -> Image.Image:
    """Return a background from which the colour `away` stands out.

    It is plain, or sky and ground, mostly with a sun.
    """
    for _ in range(200):
        name = rng.choice(("white", "white", "gray", "blue", "yellow", "green", "pink", "black"))
        tone = evaluation_shade(name, rng)
        ground = evaluation_shade(rng.choice(("green", "blue", "brown", "gray")), rng)
        outdoors = kind in OUTDOORS and rng.random() < 0.6
        if min(distance(tone, away), distance(ground, away) if outdoors else 999) > 150:
            break
    image = Image.new("RGB", size, tone)
    if outdoors:
        draw = ImageDraw.Draw(image)
        horizon = round(size[1] * rng.uniform(0.7, 0.85))
        draw.rectangle((0, horizon, *size), fill=ground)
        sun = min(size) * 0.08
        if distance(tone, (255, 220, 0)) > 100:
            draw.ellipse((sun, sun, 2.5 * sun, 2.5 * sun), fill=(255, 220, 0))
    return image


def draw_parts(
    kind: str, main: Rgb, size: tuple[int, int], rng: Random, *, clear: bool = False
) -> Image.Image:
    """Return an image of one figure of several parts, mostly of the colour `main`.

    The background is scenery, or with `clear` transparent (mode RGBA).
    """
    if clear:
        image = Image.new("RGBA", size, (*any_colour(rng), 0))
    else:
        image = scenery(size, kind, main, rng)
    side = min(size) * rng.uniform(0.6, 0.95)
    left = rng.uniform(0, size[0] - side)
    top = rng.uniform(0, size[1] - side)
    for _ in range(100):
        accent = evaluation_shade(rng.choice(tuple(WEB)), rng)
        if distance(accent, main) > 120:
            break
    KINDS[kind](Canvas(image, left, top, side), main, accent, rng)
    return image
