"""The image front end: everything that happens to a picture before llama.cpp sees it."""

from .decode import ImageError, Limits, decode, flattened
from .prepare import PreparedImage, prepare
from .square import squared
from .trim import trimmed

__all__ = [
    "ImageError",
    "Limits",
    "PreparedImage",
    "decode",
    "flattened",
    "prepare",
    "squared",
    "trimmed",
]
