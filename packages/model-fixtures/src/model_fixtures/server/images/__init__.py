"""The image front end: everything that happens to a picture before llama.cpp sees it."""

from model_fixtures.server.images.decode import ImageError, Limits, decode, flattened
from model_fixtures.server.images.prepare import PreparedImage, prepare
from model_fixtures.server.images.square import squared
from model_fixtures.server.images.trim import trimmed

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
