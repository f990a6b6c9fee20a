"""Ids such as `2.0`, which are whole numbers to JavaScript and no integers to msgspec."""

from __future__ import annotations

from typing import Any

import msgspec

IDS = ("authVersion", "callId", "channelId", "subscribeId", "ackId")


def decode_whole_ids(text: str | bytes, expected: Any) -> Any:
    """Return a message of an expected type, with its ids as integers.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: the text is no such message.
    """
    message = msgspec.json.decode(text)
    if isinstance(message, dict):
        for name in IDS:
            number = message.get(name)
            if isinstance(number, float) and number.is_integer():
                message[name] = int(number)
    return msgspec.convert(message, expected)
