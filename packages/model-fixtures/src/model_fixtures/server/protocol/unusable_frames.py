"""Frames that no handler may see, and which call or channel they belong to: it gets an error.

msgspec decodes a frame in one call, during which no other client is served, so the content of a
frame is limited. msgspec also refuses what JSON allows but Python cannot send on: half of a
surrogate pair, and deep nesting.
"""

from __future__ import annotations

import re
from typing import Union

import msgspec
from msgspec import Struct

from .whole_number_ids import decode_whole_ids

# Decoding as much takes about 0.15 s.
MOST_VALUES = 250_000
MOST_WIDE = 16 * 2**20  # characters of a text not in plain ASCII, as uploads are
EXACT = 2**20  # bytes of a frame that is searched as a whole for what it is about
COUNTED = 8 * 2**20  # bytes of a text in which commas inside of strings are told from others
HEAD, TAIL = 4096, 256  # characters in which a larger message must say what it is about
TOO_MUCH = f"more than {MOST_VALUES} values, or more than {MOST_WIDE} characters of text"
NESTED = "values nested too deep"
SURROGATE = r"half of a surrogate pair (\ud800 to \udfff), which is no character"


class CallHead(Struct, rename="camel", tag="rpcCall"):
    """A call, whatever its parameter."""

    call_id: int


class CreateHead(Struct, rename="camel", tag="channelCreate"):
    """The opening of a channel, whatever its parameter."""

    channel_id: int


class SendHead(Struct, rename="camel", tag="channelSend"):
    """A packet, whatever is in it."""

    channel_id: int


Head = Union[CallHead, CreateHead, SendHead]  # noqa: UP007 (msgspec evaluates it on Python 3.10)

_STRINGS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_NAMED = re.compile(r'"(type|callId|channelId)"\s*:\s*("\w{1,20}"|\d{1,15}(?:\.0{1,15})?)')


class Unusable(Struct, frozen=True):
    """A message that must be answered with an error."""

    head: Head
    reason: str


def is_too_much(text: str | bytes | bytearray) -> bool:
    """Return whether a JSON text would take long to decode."""
    if len(text) > MOST_WIDE and (not text.isascii() or _escapes(text) > MOST_WIDE // 2):
        return True
    if len(text) <= MOST_VALUES or not _has_many(text):
        return False
    if len(text) > COUNTED:
        return True
    # Commas inside of strings don't count: a prompt may hold a table of numbers.
    plain = text if isinstance(text, str) else text.decode("latin-1")
    return _has_many(_STRINGS.sub("", plain))


def _escapes(text: str | bytes | bytearray) -> int:
    return text.count("\\") if isinstance(text, str) else text.count(b"\\")


def _has_many(text: str | bytes | bytearray) -> bool:
    """Return whether a JSON text has many values, counting what looks like values in strings."""
    count = 0
    for sign in ",[{":
        count += text.count(sign) if isinstance(text, str) else text.count(sign.encode())
        if count > MOST_VALUES:  # most often after the first
            return True
    return False


def too_much(frame: str | bytes) -> Unusable | None:
    """Return what a frame with too much in it is about; nothing else of it is decoded."""
    return _unusable(_ends(frame), TOO_MUCH)


def nested(frame: str | bytes) -> Unusable | None:
    """Return what a frame is about whose nesting is too deep even for skipping its values."""
    return _unusable(_ends(frame), NESTED)


def undecodable(frame: str | bytes) -> Unusable | None:
    """Return what a frame that msgspec cannot decode is about; None if it is no message."""
    text = frame.decode(errors="replace") if isinstance(frame, bytes) else frame
    if "\\ud" not in text and "\\uD" not in text:
        return None
    if len(text) > EXACT:
        return _unusable(_ends(text), SURROGATE)
    # Which characters the escapes stand for does not matter any more.
    text = text.replace("\\\\", "//").replace("\\ud", "\\u0").replace("\\uD", "\\u0")
    return _unusable(text, SURROGATE)


def _ends(frame: str | bytes) -> str:
    """Return the type and the number that the ends of a frame name, as a JSON message."""
    ends = frame[:HEAD], frame[max(HEAD, len(frame) - TAIL) :]
    text = " ".join(end.decode(errors="replace") if isinstance(end, bytes) else end for end in ends)
    found: dict[str, str] = {}
    for name, value in _NAMED.findall(text):
        found.setdefault(name, value)
    return "{" + ", ".join(f'"{name}": {value}' for name, value in found.items()) + "}"


def _unusable(message: str, reason: str) -> Unusable | None:
    try:
        return Unusable(decode_whole_ids(message, Head), reason)
    except (msgspec.DecodeError, RecursionError):
        return None
