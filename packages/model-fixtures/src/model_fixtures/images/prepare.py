"""Turning the bytes of an image file into a square PNG for llama.cpp."""

import base64
import io
from dataclasses import dataclass

from .decode import ImageLimits, decode
from .square import squared
from .trim import trimmed


@dataclass(frozen=True)
class PreparedImage:
    """A square PNG, and the width and height in pixels of the original picture."""

    png: bytes
    width: int
    height: int

    @property
    def data_uri(self) -> str:
        """The PNG as the `data:` URI that a chat completion's `image_url` takes."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


def prepare(data: bytes, limits: ImageLimits | None = None, *, trim: bool = False) -> PreparedImage:
    """Turn the bytes of a PNG, JPEG, WebP or GIF file into a picture for llama.cpp.

    With `trim`, empty margins are cut off first; the vision stand-in was trained on such pictures.

    Raises:
        ImageError: the file is empty, damaged, over a limit, or has another format.
    """
    image = decode(data, limits)
    square = squared(trimmed(image) if trim else image)
    out = io.BytesIO()
    # Level 1 is fast, and the PNG only goes to a process on the same machine.
    square.save(out, "PNG", compress_level=1)
    return PreparedImage(out.getvalue(), *image.size)
