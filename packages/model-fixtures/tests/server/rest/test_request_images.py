"""Images in REST messages."""

from __future__ import annotations

import base64
import io
from typing import Any

import PIL.Image
import pytest
from model_fixtures.images import ImageError
from model_fixtures.server.rest.request_images import image_addresses, read_image


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_images_are_prepared(kind: str) -> None:
    """An image becomes a square PNG."""
    out = io.BytesIO()
    PIL.Image.new("RGB", (40, 20), "red").save(out, kind)
    address = "data:image/x;base64," + base64.b64encode(out.getvalue()).decode()
    image = PIL.Image.open(io.BytesIO(read_image(address, trim=False)))
    assert (image.format, image.size) == ("PNG", (40, 40))


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("data:image/png,abc", "not in base64"),
        ("data:image/png;base64,a$b", "base64 is damaged"),
        ("data:image/png;base64,AAAA", "not a PNG, JPEG, WebP or GIF"),
    ],
)
def test_unusable_images(address: str, problem: str) -> None:
    """Data that is no image is an error that says why."""
    with pytest.raises(ImageError, match=problem):
        read_image(address, trim=True)


@pytest.mark.parametrize("messages", [None, "x", [None], [{"content": 3}], [{"content": [4]}]])
def test_messages_of_no_known_form_have_no_images(messages: Any) -> None:
    """Messages without parts have no images; the check of the body says what is wrong with them."""
    assert image_addresses(messages) == []


def test_addresses() -> None:
    """The addresses of images, sounds and films are found, in an object or not."""
    parts = [
        {"type": "image_url", "image_url": {"url": "http://a"}},
        {"type": "audio_url", "audio_url": "file:///b"},
        {"type": "video_url", "video_url": {"url": "data:c"}},
        {"type": "image_url", "image_url": {"url": 5}},
    ]
    assert image_addresses([{"content": parts}]) == ["http://a", "file:///b", "data:c"]
