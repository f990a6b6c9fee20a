"""Shades that everyone gives the same name: ranges of hue, saturation and value for each colour.

Shades between two names (teal, magenta, beige, maroon) are left out: no answer would be right.
"""

import colorsys
from random import Random

from training.vision.labels import COLOURS

Rgb = tuple[int, int, int]
Range = tuple[float, float]

# By name: ranges of hue (degrees), saturation and value; a name may have several of them.
_RANGES: dict[str, tuple[tuple[Range, Range, Range], ...]] = {
    "red": (((-9, 6), (0.8, 1), (0.69, 1)), ((-4, 4), (0.65, 0.8), (0.8, 0.95))),
    "orange": (((21, 39.5), (0.8, 1), (0.88, 1)),),
    "yellow": (((48, 61), (0.6, 1), (0.88, 1)), ((52, 59), (0.4, 0.6), (0.97, 1))),
    "green": (((85, 150), (0.45, 1), (0.35, 0.95)), ((95, 130), (0.3, 0.5), (0.8, 0.95))),
    "blue": (((205, 243), (0.5, 1), (0.42, 1)), ((197, 215), (0.35, 0.6), (0.9, 1))),
    # The third has the web colour "purple", which is half as bright as magenta.
    "purple": (
        ((263, 292), (0.4, 1), (0.42, 1)),
        ((262, 285), (0.28, 0.45), (0.8, 1)),
        ((290, 301), (0.6, 1), (0.42, 0.62)),
    ),
    "pink": (
        ((325, 348), (0.25, 0.62), (0.92, 1)),
        ((322, 336), (0.55, 0.92), (0.95, 1)),
        ((344, 352), (0.22, 0.3), (0.97, 1)),
    ),
    # The second has the web colour "brown", which is redder than "saddlebrown".
    "brown": (((17, 32), (0.55, 0.9), (0.3, 0.64)), ((-1, 14), (0.55, 0.76), (0.35, 0.66))),
    "black": (((0, 360), (0, 0.3), (0, 0.1)),),
    "white": (((0, 360), (0, 0.03), (0.96, 1)),),
    "gray": (((0, 360), (0, 0.06), (0.36, 0.78)),),
}


def shade(name: str, rng: Random) -> Rgb:
    """Return a random shade of the colour `name`."""
    hue, saturation, value = (rng.uniform(*span) for span in rng.choice(_RANGES[name]))
    return _rgb(hue, saturation, value)


def any_colour(rng: Random) -> Rgb:
    """Return a random colour, for backgrounds without a name."""
    return _rgb(rng.uniform(0, 360), rng.random(), rng.random())


def name_of(rgb: Rgb) -> str | None:
    """Return the name of a colour; None if it is between two names."""
    if max(rgb) <= 26:
        return "black"  # such dark colours have no meaningful hue and saturation
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in rgb))
    for name in COLOURS:
        for hues, saturations, values in _RANGES[name]:
            inside = any(hues[0] - 1 <= hue * 360 + turn <= hues[1] + 1 for turn in (-360, 0))
            near = all(
                low - 0.02 <= number <= high + 0.02
                for number, (low, high) in ((saturation, saturations), (value, values))
            )
            if inside and near:
                return name
    return None


def distance(one: Rgb, two: Rgb) -> float:
    """Return how different two colours look to the eye, from 0 to about 765."""
    mean = (one[0] + two[0]) / 2
    red, green, blue = (a - b for a, b in zip(one, two, strict=True))
    return float(
        ((2 + mean / 256) * red**2 + 4 * green**2 + (2 + (255 - mean) / 256) * blue**2) ** 0.5
    )


def contrasting(rgb: Rgb, rng: Random, least: float = 140) -> tuple[str, Rgb]:
    """Return a random shade at a distance of at least `least` from `rgb`, and its name."""
    while True:
        name = rng.choice(COLOURS)
        other = shade(name, rng)
        if distance(rgb, other) >= least and name != name_of(rgb):
            return name, other


def lighter(rgb: Rgb, share: float) -> Rgb:
    """Return a mixture of `rgb` with a share of white (positive) or black (negative)."""
    target = 255 if share > 0 else 0
    red, green, blue = (round(channel + (target - channel) * abs(share)) for channel in rgb)
    return red, green, blue


def _rgb(hue: float, saturation: float, value: float) -> Rgb:
    red, green, blue = colorsys.hsv_to_rgb(hue % 360 / 360, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)
