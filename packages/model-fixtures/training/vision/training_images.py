"""Draw training images and their labels; both depend only on the random generator."""

from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .figure_outlines import NAMED, OTHERS, Outline, placed
from .labels import COLOURS, FIGURE, MIXED, NONE, SHAPES, Label
from .palette import Rgb, any_colour, contrasting, distance, lighter, shade
from .training_figures import DRAWINGS, Pen

Size = tuple[int, int]
_CONTRAST = 130.0


def canvas_size(rng: Random, smallest: int = 48, largest: int = 1600) -> Size:
    """Return a random width and height in pixels.

    Most are below 320, which takes little time; some are large, and some are long.
    """
    limit = largest if rng.random() < 0.04 else min(320, largest)
    long = round(smallest * (limit / smallest) ** rng.random())
    kind = rng.random()
    if kind < 0.4:
        return long, long
    ratio = rng.uniform(1, 2) if kind < 0.8 else rng.uniform(2, 6)
    short = max(24, round(long / ratio))
    return (long, short) if rng.random() < 0.5 else (short, long)


def sample(rng: Random, size: Size | None = None) -> tuple[Image.Image, Label]:
    """Return a random image (RGB, or RGBA with a transparent background) and its label."""
    size = size or canvas_size(rng)
    kind = rng.random()
    if kind < 0.1:
        image, background, _ = _background(size, rng)
        return image, Label(NONE, NONE, background)
    image, background, tones = _background(size, rng)
    colour, main = _main_colour(background, tones, rng)
    transparent = background == "white" and len(tones) == 1 and rng.random() < 0.2
    if transparent:
        # The colour where alpha is 0 must not matter.
        image = Image.new("RGBA", size, (*any_colour(rng), 0))
    several = False
    if kind < 0.36:
        several = rng.random() < 0.12
        box = _draw_parts(image, main, rng, smaller=several)
        shape = FIGURE
    else:
        shape = rng.choice(SHAPES) if kind < 0.92 else FIGURE
        several = rng.random() < 0.2
        box = _draw_single(image, shape, main, tones[0], rng, smaller=several)
    if several:
        _draw_others(image, box, colour, tones, rng)
    if not transparent:
        image = _worn(image, rng)
    return image, Label(colour, shape, background, several)


def _main_colour(background: str, tones: list[Rgb], rng: Random) -> tuple[str, Rgb]:
    for attempt in range(60):
        name = rng.choice(COLOURS)
        main = shade(name, rng)
        # White on pale grey or black on dark blue is allowed, but must be rare.
        least = _CONTRAST * (1 - attempt / 120)
        if name != background and min(distance(main, tone) for tone in tones) >= least:
            return name, main
    name, main = max(
        ((name, shade(name, rng)) for name in COLOURS if name != background),
        key=lambda pair: min(distance(pair[1], tone) for tone in tones),
    )
    return name, main


def _background(size: Size, rng: Random) -> tuple[Image.Image, str, list[Rgb]]:
    """Return a background, its name, and the colours from which a figure must stand out."""
    kind = rng.random()
    name = "white" if rng.random() < 0.4 else rng.choice(COLOURS)
    tone = (255, 255, 255) if name == "white" and rng.random() < 0.7 else shade(name, rng)
    if kind < 0.76:
        image = Image.new("RGB", size, tone)
        if rng.random() < 0.05:
            image = _noisy(image, rng)
        return image, name, [tone]
    if kind < 0.83:
        other = any_colour(rng)
        return Image.new("RGB", size, other), MIXED, [other]
    other = any_colour(rng) if rng.random() < 0.5 else shade(rng.choice(COLOURS), rng)
    if distance(tone, other) < 60:
        other = lighter(tone, 0.5 if sum(tone) < 380 else -0.5)
    if kind < 0.9:
        ramp = Image.linear_gradient("L").rotate(rng.choice((0, 90, 180, 270))).resize(size)
        blend = Image.composite(Image.new("RGB", size, other), Image.new("RGB", size, tone), ramp)
        middle = tuple((a + b) // 2 for a, b in zip(tone, other, strict=True))
        return blend, MIXED, [tone, other, (middle[0], middle[1], middle[2])]
    image = Image.new("RGB", size, tone)
    draw = ImageDraw.Draw(image)
    tones = [tone, other]
    if kind < 0.97:  # sky and ground
        horizon = round(size[1] * rng.uniform(0.45, 0.85))
        draw.rectangle((0, horizon, size[0], size[1]), fill=other)
    else:
        step = max(4, min(size) // rng.randint(3, 8))
        for start in range(0, size[0], 2 * step):
            draw.rectangle((start, 0, start + step, size[1]), fill=other)
    return image, MIXED, tones


def _room(size: Size, share: float, rng: Random) -> tuple[float, tuple[float, float]]:
    """Return a radius and a centre for which a figure fits into the image."""
    radius = max(6.0, min(size) * share / 2)
    centre = tuple(
        rng.uniform(radius, max(radius, length - radius)) if rng.random() < 0.5 else length / 2
        for length in size
    )
    return radius, (centre[0], centre[1])


Box = tuple[float, float, float]  # centre x, centre y, radius


def _draw_single(
    image: Image.Image, shape: str, main: Rgb, behind: Rgb, rng: Random, smaller: bool
) -> Box:
    share = rng.uniform(0.45, 0.65) if smaller else rng.uniform(0.42, 0.97)
    radius, centre = _room(image.size, share, rng)
    recipe = NAMED[shape] if shape in NAMED else rng.choice(OTHERS)
    outline = placed(recipe, centre, radius, rng)
    draw = ImageDraw.Draw(image)
    style = rng.random()
    if style < 0.08 and shape not in ("moon",):  # only a thick line, nothing inside
        draw.line(
            [*outline, *outline[:2]], fill=main, width=max(3, round(radius * 0.2)), joint="curve"
        )
        return (*centre, radius)
    if style < 0.16 and image.mode == "RGB" and shape == FIGURE:  # a hole
        draw.polygon(outline, fill=main)
        hole = radius * rng.uniform(0.2, 0.4)
        draw.ellipse(
            (centre[0] - hole, centre[1] - hole, centre[0] + hole, centre[1] + hole), fill=behind
        )
        return (*centre, radius)
    draw.polygon(outline, fill=main)
    if style < 0.3:  # a thin edge in another shade
        edge = rng.choice(((0, 0, 0), (0, 0, 0), lighter(main, -0.5), (255, 255, 255)))
        draw.line(
            [*outline, outline[0]], fill=edge, width=max(1, round(radius * rng.uniform(0.03, 0.08)))
        )
    elif style < 0.38:
        _shaded(image, outline, main, rng)
    return (*centre, radius)


def _shaded(image: Image.Image, outline: Outline, main: Rgb, rng: Random) -> None:
    """Fill the figure with a gradient to a slightly different shade, as if lit from one side."""
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    ramp = Image.linear_gradient("L").rotate(rng.choice((0, 90, 180))).resize(image.size)
    tone = lighter(main, rng.choice((0.25, -0.25)))
    blend = Image.composite(
        Image.new(image.mode, image.size, tone), Image.new(image.mode, image.size, main), ramp
    )
    image.paste(blend, (0, 0), mask)


def _draw_parts(image: Image.Image, main: Rgb, rng: Random, smaller: bool) -> Box:
    share = rng.uniform(0.5, 0.65) if smaller else rng.uniform(0.5, 0.98)
    radius, (x, y) = _room(image.size, share, rng)
    wide = min(rng.uniform(0.8, 1.25), image.width / (2 * radius), 1.25)
    left, width = x - radius * wide, 2 * radius * wide
    left = min(max(left, 0), max(0.0, image.width - width))
    pen = Pen(ImageDraw.Draw(image), left, y - radius, width, 2 * radius)
    if rng.random() < 0.5:
        _, accent = contrasting(main, rng)
    else:
        accent = rng.choice(((0, 0, 0), (255, 255, 255), lighter(main, 0.6)))
    rng.choice(DRAWINGS)(pen, main, accent, rng)
    return (x, y, radius)


def _draw_others(image: Image.Image, box: Box, colour: str, tones: list[Rgb], rng: Random) -> None:
    """Add one to three much smaller figures beside the main one."""
    draw = ImageDraw.Draw(image)
    x, y, radius = box
    for _ in range(rng.randint(1, 3)):
        small = radius * rng.uniform(0.22, 0.42)
        for _ in range(12):
            cx = rng.uniform(small, max(small, image.width - small))
            cy = rng.uniform(small, max(small, image.height - small))
            if max(abs(cx - x), abs(cy - y)) > radius + small * 0.8:
                break
        else:
            # No free space: over the edge, where it hides little of the main figure.
            cx, cy = rng.choice((0, image.width)), rng.choice((0, image.height))
            small *= 0.7
        _, tone = _main_colour(colour, tones, rng)
        recipe = NAMED[rng.choice(SHAPES)] if rng.random() < 0.8 else rng.choice(OTHERS)
        draw.polygon(placed(recipe, (cx, cy), small, rng), fill=tone)


def _worn(image: Image.Image, rng: Random) -> Image.Image:
    kind = rng.random()
    if kind < 0.04:
        return _noisy(image, rng)
    if kind < 0.08:
        return image.filter(ImageFilter.GaussianBlur(min(image.size) * rng.uniform(0.003, 0.012)))
    return image


def _noisy(image: Image.Image, rng: Random) -> Image.Image:
    strength = rng.uniform(5, 25)
    noise = Image.frombytes("L", image.size, rng.randbytes(image.width * image.height))
    grain = noise.point([round(128 + (value - 128) * strength / 128) for value in range(256)])
    pixels = Image.merge("RGB", (grain, grain, grain))
    # 128 in the grain means no change.
    return ImageChops.add(image, pixels, offset=-128)
