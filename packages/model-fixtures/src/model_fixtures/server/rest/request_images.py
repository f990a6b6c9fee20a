"""Find and read the images in the messages of a chat over REST."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from model_fixtures.images import ImageError, prepare

KINDS = ("image_url", "audio_url", "video_url")


def image_addresses(messages: Any) -> list[str]:
    """Return the addresses of the images, sounds and films of a chat."""
    urls = [address_of(part, kind) for part in _parts(messages) for kind in KINDS]
    return [address for address in urls if address is not None]


def address_of(part: dict[str, Any], kind: str) -> str | None:
    """Return the address in a part, which an object may hold, None if there is none."""
    url = part.get(kind)
    address = url.get("url") if isinstance(url, dict) else url
    return address if isinstance(address, str) else None


def read_image(address: str, *, trim: bool) -> bytes:
    """Return the image of a `data:` URI in a form that llama.cpp decodes correctly.

    Raises:
        ImageError: it can't be used.
    """
    head, _, data = address.partition(",")
    if not head.endswith(";base64"):
        raise ImageError("The image's data: URI is not in base64: encode it.")
    try:
        content = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise ImageError("The image's base64 is damaged: encode it anew.") from None
    return prepare(content, trim=trim).png


def _parts(messages: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(messages, list):
        return
    for message in messages:
        if isinstance(message, dict) and isinstance(message.get("content"), list):
            yield from (part for part in message["content"] if isinstance(part, dict))
