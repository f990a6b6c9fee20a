"""Images of circles for the vision model, in colours that even a small model can tell apart."""

import io
import re

from PIL import Image, ImageDraw

QUESTION = "What color is the circle?"
COLOURS = ("red", "blue", "green", "purple", "black")


def circle(colour: str, kind: str = "PNG", *, transparent: bool = False) -> bytes:
    """Return an image file of 240 x 240 pixels with one large circle.

    Args:
        colour: one of COLOURS, as a web colour.
        kind: a file format that Pillow writes.
        transparent: whether the background is transparent black instead of opaque white.
    """
    image = Image.new("RGBA", (240, 240), (0, 0, 0, 0) if transparent else "white")
    ImageDraw.Draw(image).ellipse((40, 40, 200, 200), fill=colour)
    file = io.BytesIO()
    (image if transparent else image.convert("RGB")).save(file, kind)
    return file.getvalue()


def colours(answer: str) -> set[str]:
    """Return the members of COLOURS that an answer names as whole words."""
    return set(re.findall(rf"\b({'|'.join(COLOURS)})\b", answer.lower()))
