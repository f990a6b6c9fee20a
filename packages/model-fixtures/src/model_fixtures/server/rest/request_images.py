"""Find and prepare the images in the messages of a chat over REST."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from model_fixtures.images import ImageError, prepare

KINDS = ("image_url", "audio_url", "video_url")


def image_addresses(messages: Any) -> list[str]:
    """Return the addresses that llama.cpp would open for images, sounds and films of a chat."""
    urls = [part.get(kind) for part in _parts(messages) for kind in KINDS]
    addresses = [url.get("url") if isinstance(url, dict) else url for url in urls]
    return [address for address in addresses if isinstance(address, str)]


def prepare_images(messages: Any, trim: bool) -> None:
    """Convert each image of a chat, a `data:` URI, to a form that llama.cpp decodes correctly.

    Raises:
        ImageError: one can't be used.
    """
    for part in _parts(messages):
        image = part.get("image_url")
        address = image.get("url") if isinstance(image, dict) else image
        if not isinstance(address, str):
            continue
        head, _, data = address.partition(",")
        if not head.endswith(";base64"):
            raise ImageError("The image's data: URI is not in base64: encode it.")
        try:
            content = base64.b64decode(data, validate=True)
        except binascii.Error:
            raise ImageError("The image's base64 is damaged: encode it anew.") from None
        part["image_url"] = {"url": prepare(content, trim=trim).data_uri}


def _parts(messages: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(messages, list):
        return
    for message in messages:
        if isinstance(message, dict) and isinstance(message.get("content"), list):
            yield from (part for part in message["content"] if isinstance(part, dict))
