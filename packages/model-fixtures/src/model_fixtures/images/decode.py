"""Decoding PNG, JPEG, WebP and GIF files to upright, opaque RGB pictures."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import ExifTags, Image, UnidentifiedImageError

from model_fixtures.errors import ModelFixturesError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_WHITE = (255, 255, 255, 255)
# The operation that undoes each EXIF orientation; 1 is upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class ImageError(ModelFixturesError, ValueError):
    """The picture was refused."""


@dataclass(frozen=True)
class ImageLimits:
    """Limits of a picture: bytes of the file, and pixels in all and along a side once decoded."""

    file_bytes: int = 32 * 1024 * 1024
    pixels: int = 40_000_000
    side: int = 16_384


def decode(data: bytes, limits: ImageLimits | None = None) -> Image.Image:
    """Decode the first frame of `data` to mode RGB, with any width and height within `limits`.

    The EXIF orientation is applied, and transparent pixels are mixed with white. The size is read
    from the header, so no picture over a limit is decoded.

    Raises:
        ImageError: the file is empty, damaged, over a limit, or has another format.
    """
    limits = limits or ImageLimits()
    if not data:
        raise ImageError("The image is empty: send the bytes of a PNG, JPEG, WebP or GIF file.")
    if len(data) > limits.file_bytes:
        raise ImageError(
            f"The image file has {len(data)} bytes, the limit is {limits.file_bytes}: "
            "send a smaller file."
        )
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image.size, limits)
            image.load()
            return flattened(_upright(image))
    except UnidentifiedImageError:
        raise ImageError(
            "The image is not a PNG, JPEG, WebP or GIF file: convert it first."
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(
            f"The image has too many pixels, the limit is {limits.pixels}: send a smaller image."
        ) from None
    except (OSError, SyntaxError, EOFError, ValueError, IndexError, OverflowError) as error:
        if isinstance(error, ImageError):
            raise
        # Pillow's decoders report damage with any of these; the first line of the text is enough.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ImageError(f"The image file is damaged ({reason}): save it again.") from None


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; damaged EXIF data is ignored.

    `ImageOps.exif_transpose` also rewrites the data, which fails in many ways if it is unusual.
    """
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001 (Pillow's readers let errors of any class through)
        return image
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageError(f"The image is {width} x {height} pixels: send one that has pixels.")
    if width > limits.side or height > limits.side:
        raise ImageError(
            f"The image is {width} x {height} pixels, the longest side allowed is {limits.side}: "
            "send a smaller image."
        )
    if width * height > limits.pixels:
        raise ImageError(
            f"The image is {width} x {height} pixels, the limit is {limits.pixels} in all: "
            "send a smaller image."
        )


def flattened(image: Image.Image) -> Image.Image:
    """Return `image` in mode RGB, with transparent pixels mixed with white."""
    if image.mode.startswith("I"):
        # 16-bit grey: a plain convert() would clip at 255 instead of scaling.
        image = image.convert("I").point([value >> 8 for value in range(65536)], "L")
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image.convert("RGBA"))
    return image.convert("RGB")
