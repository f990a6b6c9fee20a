"""Cutting empty margins off, so that a figure fills most of what a small model gets."""

from PIL import Image, ImageChops, ImageStat

from .square import border_colour, border_pixels

_LOOK_AT = 256  # pixels; margins are found on a copy of this size, which averages noise away
_DIFFERENCE = 28  # of 255 in a channel; smaller differences are noise or artefacts of JPEG
_EVEN = 0.9  # the part of the border that must have one colour for it to count as empty
_MARGIN = 0.12  # the margin that is left around figures, as a part of their longer side
_SMALLEST = 8  # the result's side is at least the picture's longer side divided by this


def trimmed(image: Image.Image) -> Image.Image:
    """Return the part of the RGB picture `image` that is not empty, with a small margin.

    A picture is returned unchanged if its border has several colours or nothing is inside it.
    """
    empty = border_colour(image)
    scale = min(1.0, _LOOK_AT / max(image.size))
    look = image
    if scale < 1.0:
        size = [max(1, round(length * scale)) for length in image.size]
        look = image.resize((size[0], size[1]), Image.Resampling.BOX)
    if ImageStat.Stat(_differs(border_pixels(look), empty)).mean[0] > 255 * (1 - _EVEN):
        return image
    box = _differs(look, empty).getbbox()
    if box is None:
        return image
    left, top, right, bottom = (
        edge * length / shrunk
        for edge, length, shrunk in zip(box, image.size * 2, look.size * 2, strict=True)
    )
    side = max(right - left, bottom - top) * (1 + 2 * _MARGIN)
    side = max(side, max(image.size) / _SMALLEST, 1)
    middle = ((left + right) / 2, (top + bottom) / 2)
    corner = (round(middle[0] - side / 2), round(middle[1] - side / 2))
    if side >= max(image.size):
        return image
    canvas = Image.new("RGB", (round(side), round(side)), empty)
    canvas.paste(image, (-corner[0], -corner[1]))
    return canvas


def _differs(image: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """Return a mask that is 255 where a channel differs from `colour` by more than noise."""
    away = ImageChops.difference(image, Image.new("RGB", image.size, colour))
    red, green, blue = away.split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return most.point([255 * (value > _DIFFERENCE) for value in range(256)])
