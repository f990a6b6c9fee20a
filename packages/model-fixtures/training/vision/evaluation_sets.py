"""Evaluation sets: image files with questions and right answers, all from a seed.

Training words its questions differently.
"""

# ruff: noqa: S311 - seeded random numbers, no secrets

import io
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw
from training.vision.evaluation_figures import KINDS, draw_parts, evaluation_shade
from training.vision.labels import COLOURS, SHAPES
from training.vision.palette import any_colour, distance

from .figure_outlines import NAMED, placed

COLOUR_QUESTIONS = (
    "Tell me, which colour is the thing in this picture?",
    "In what color was the main subject painted?",
    "What colour would you call the big one?",
    "I can't see the screen. What color has the thing that is drawn there?",
    "Look closely: the main figure's color is what?",
    "Give me the colour of the subject, please.",
)
SHAPE_QUESTIONS = (
    "Tell me, which shape has been drawn?",
    "What geometric shape is that?",
    "Would you tell me the shape of the thing in the picture?",
    "Look closely: the main figure's shape is what?",
)


@dataclass(frozen=True)
class ImageCase:
    """An image file, a question about it, and the word that decides whether an answer is right."""

    data: bytes
    question: str
    truth: str  # a colour, a shape, or "" when no colour may be named
    image_first: bool
    note: str = ""


def _size(rng: Random, index: int) -> tuple[int, int]:
    long = round(64 * 25 ** rng.random())  # 64 to 1600
    if index % 3 == 0:
        return long, long
    short = max(48, round(long / rng.uniform(1.3, 4)))
    return (long, short) if index % 3 == 1 else (short, long)


def _background(truth: str, main: tuple[int, int, int], rng: Random) -> tuple[int, int, int]:
    while True:
        name = rng.choice(("white", "white", *COLOURS))
        tone = evaluation_shade(name, rng)
        if name != truth and distance(tone, main) > 150:
            return tone


def _encoded(image: Image.Image, rng: Random) -> bytes:
    out = io.BytesIO()
    kinds = ("PNG", "WEBP") if image.mode == "RGBA" else ("PNG", "JPEG", "WEBP", "GIF")
    image.save(out, rng.choice(kinds), quality=90, lossless=image.mode == "RGBA")
    return out.getvalue()


def single(truth: str, shape: str, index: int, rng: Random, largest: float = 0.9) -> bytes:
    """Return an image file with one figure.

    Every fifth has a transparent background. Every seventh has a second, smaller figure.
    """
    size = _size(rng, index)
    main = evaluation_shade(truth, rng)
    clear = index % 5 == 0 and distance(main, (255, 255, 255)) > 150
    ground = (255, 255, 255) if clear else _background(truth, main, rng)
    under = any_colour(rng)
    image = Image.new("RGBA", size, (*under, 0)) if clear else Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(image)
    radius = min(size) * rng.uniform(0.45, largest) / 2
    centre = (rng.uniform(radius, size[0] - radius), rng.uniform(radius, size[1] - radius))
    draw.polygon(placed(NAMED[shape], centre, radius, rng), fill=main)
    if index % 7 == 0:
        other = rng.choice([name for name in COLOURS if name != truth])
        corner = (
            0 if centre[0] > size[0] / 2 else size[0],
            0 if centre[1] > size[1] / 2 else size[1],
        )
        small = placed(NAMED[rng.choice(SHAPES)], corner, radius * 0.3, rng)
        draw.polygon(small, fill=evaluation_shade(other, rng))
    return _encoded(image, rng)


def colours(count: int, seed: str) -> Iterator[ImageCase]:
    """Yield questions about the main figure's colour, each colour equally often.

    Each image comes twice: before the question and after it.
    """
    for index in range(count):
        rng = Random(f"colour-{seed}-{index}")
        truth = COLOURS[index % len(COLOURS)]
        data = single(truth, rng.choice(SHAPES), index // len(COLOURS), rng)
        question = rng.choice(COLOUR_QUESTIONS)
        for image_first in (True, False):
            yield ImageCase(
                data, question, truth, image_first, "image first" if image_first else "text first"
            )


def parts(count: int, seed: str, kinds: tuple[str, ...] = tuple(KINDS)) -> Iterator[ImageCase]:
    """Yield questions about the colour of figures with several parts, each colour equally often.

    Each image comes twice, and every fifth image has a transparent background.
    """
    for index in range(count):
        rng = Random(f"parts-{seed}-{index}")
        truth = COLOURS[index % len(COLOURS)]
        kind = kinds[index // len(COLOURS) % len(kinds)]
        main = evaluation_shade(truth, rng)
        clear = index % 5 == 0 and distance(main, (255, 255, 255)) > 150
        image = draw_parts(kind, main, _size(rng, index // len(COLOURS)), rng, clear=clear)
        data = _encoded(image, rng)
        question = rng.choice(COLOUR_QUESTIONS)
        for image_first in (True, False):
            yield ImageCase(data, question, truth, image_first, kind)


def shapes(count: int, seed: str) -> Iterator[ImageCase]:
    """Yield questions about the main figure's shape, each shape equally often.

    The image comes before the question or after it, in turns.
    """
    for index in range(count):
        rng = Random(f"shape-{seed}-{index}")
        truth = SHAPES[index % len(SHAPES)]
        data = single(rng.choice(COLOURS), truth, index // len(SHAPES), rng)
        yield ImageCase(
            data, rng.choice(SHAPE_QUESTIONS), truth, index // len(SHAPES) % 2 == 0, truth
        )


def empty(count: int, seed: str) -> Iterator[ImageCase]:
    """Yield questions about the colour of a figure, with images that have no figure.

    There are five kinds of such images, each in both orders.
    """
    for index in range(count):
        rng = Random(f"empty-{seed}-{index}")
        size = _size(rng, index // 2)
        note = ("white", "plain", "gradient", "stripes", "noise")[index % 5]
        tone = (255, 255, 255) if note == "white" else evaluation_shade(rng.choice(COLOURS), rng)
        image = Image.new("RGB", size, tone)
        other = Image.new("RGB", size, evaluation_shade("white", rng))
        if note == "gradient":
            image = Image.composite(other, image, Image.linear_gradient("L").resize(size))
        elif note == "stripes":
            step = max(4, min(size) // rng.randint(4, 9))
            draw = ImageDraw.Draw(image)
            for start in range(0, size[0], 2 * step):
                draw.rectangle((start, 0, start + step, size[1]), fill=any_colour(rng))
        elif note == "noise":
            grain = Image.frombytes("L", size, rng.randbytes(size[0] * size[1]))
            image = Image.composite(other, image, grain)
        yield ImageCase(
            _encoded(image, rng), rng.choice(COLOUR_QUESTIONS), "", index % 2 == 0, note
        )
