"""Bytes of a PNG, JPEG, WebP or GIF file to an upright, opaque RGB picture."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import ExifTags, Image, UnidentifiedImageError

from model_fixtures.errors import ModelFixturesError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_WHITE = (255, 255, 255, 255)
# What undoes each EXIF orientation; 1 is upright.
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
    """A picture that is refused; the message is one line and says what to do."""


@dataclass(frozen=True)
class Limits:
    """What a picture may cost: bytes of the file, pixels and length of a side once decoded."""

    file_bytes: int = 32 * 1024 * 1024
    pixels: int = 40_000_000
    side: int = 16_384


def decode(data: bytes, limits: Limits | None = None) -> Image.Image:
    """Decode the first frame of `data` to mode RGB, any width x height within `limits`.

    The EXIF orientation is applied and alpha is flattened on white. Size is read from the header,
    so nothing too large is ever unpacked.

    Raises:
        ImageError: not one of the formats, damaged, empty, or over a limit.

    """
    limits = limits or Limits()
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
        # Pillow's decoders report damage with any of these; the first line is enough.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ImageError(f"The image file is damaged ({reason}): save it again.") from None


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; damaged EXIF data is as none.

    `ImageOps.exif_transpose` writes the data anew, which fails in many ways where they are odd.
    """
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001 (Pillow's readers raise whatever they stumble over)
        return image
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _check_size(size: tuple[int, int], limits: Limits) -> None:
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
    """Return `image` in mode RGB, with alpha flattened on white."""
    if image.mode.startswith("I"):
        # 16-bit grey: a plain convert() would clip at 255 instead of scaling.
        image = image.convert("I").point([value >> 8 for value in range(65536)], "L")
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image.convert("RGBA"))
    return image.convert("RGB")
