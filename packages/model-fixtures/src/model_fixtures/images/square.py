"""Making pictures square, for training the vision model and for serving it."""

from PIL import Image, ImageStat

LONGEST_SIDE = 1024  # larger pictures only cost time, since the models use far fewer pixels


def squared(image: Image.Image, longest_side: int = LONGEST_SIDE) -> Image.Image:
    """Return the RGB picture `image` centred on a square in the colour of its border.

    The side of the square is the longer side of `image`, but at most `longest_side` pixels.
    """
    width, height = image.size
    scale = min(1.0, longest_side / max(width, height))
    if scale < 1.0:
        width, height = (max(1, round(length * scale)) for length in (width, height))
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    if width == height:
        return image
    side = max(width, height)
    square = Image.new("RGB", (side, side), border_colour(image))
    square.paste(image, ((side - width) // 2, (side - height) // 2))
    return square


def border_colour(image: Image.Image) -> tuple[int, int, int]:
    """Return the median of each channel of the outermost pixels of the RGB picture `image`."""
    red, green, blue = ImageStat.Stat(border_pixels(image)).median
    return red, green, blue


def border_pixels(image: Image.Image) -> Image.Image:
    """Return the outermost pixels of the RGB picture `image` in one row; corners come twice."""
    width, height = image.size
    strip = Image.new("RGB", (2 * (width + height), 1))
    strip.paste(image.crop((0, 0, width, 1)), (0, 0))
    strip.paste(image.crop((0, height - 1, width, height)), (width, 0))
    for offset, column in ((2 * width, 0), (2 * width + height, width - 1)):
        side = image.crop((column, 0, column + 1, height)).transpose(Image.Transpose.ROTATE_90)
        strip.paste(side, (offset, 0))
    return strip
