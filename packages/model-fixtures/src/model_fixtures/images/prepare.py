"""The whole way of a picture: file bytes in, a square PNG for llama.cpp out."""

import base64
import io
from dataclasses import dataclass

from .decode import Limits, decode
from .square import squared
from .trim import trimmed


@dataclass(frozen=True)
class PreparedImage:
    """A square PNG, and the width and height in pixels of the picture that it was made from."""

    png: bytes
    width: int
    height: int

    @property
    def data_uri(self) -> str:
        """The PNG as the `data:` URI that a chat completion's `image_url` takes."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


def prepare(data: bytes, limits: Limits | None = None, *, trim: bool = False) -> PreparedImage:
    """Turn the bytes of a PNG, JPEG, WebP or GIF file into what llama.cpp decodes rightly.

    `trim` cuts empty margins off first. The vision stand-in was trained on trimmed pictures.

    Raises:
        ImageError: see `decode`.

    """
    image = decode(data, limits)
    square = squared(trimmed(image) if trim else image)
    out = io.BytesIO()
    # Level 1: the PNG only travels to a process on the same machine.
    square.save(out, "PNG", compress_level=1)
    return PreparedImage(out.getvalue(), *image.size)
