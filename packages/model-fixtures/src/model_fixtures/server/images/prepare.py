"""The whole way of a picture: file bytes in, a square PNG for llama.cpp out."""

import base64
import io
from dataclasses import dataclass

from model_fixtures.server.images.decode import Limits, decode
from model_fixtures.server.images.square import squared


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


def prepare(data: bytes, limits: Limits | None = None) -> PreparedImage:
    """Turn the bytes of a PNG, JPEG, WebP or GIF file into what llama.cpp decodes rightly.

    Raises:
        ImageError: see `decode`.

    """
    image = decode(data, limits)
    out = io.BytesIO()
    # Level 1: the PNG only travels to a process on the same machine.
    squared(image).save(out, "PNG", compress_level=1)
    return PreparedImage(out.getvalue(), *image.size)
