"""Preparing pictures for llama.cpp: decoding, trimming, squaring."""

from .decode import ImageError, ImageLimits, decode, flattened
from .prepare import PreparedImage, prepare
from .square import squared
from .trim import trimmed

__all__ = [
    "ImageError",
    "ImageLimits",
    "PreparedImage",
    "decode",
    "flattened",
    "prepare",
    "squared",
    "trimmed",
]
