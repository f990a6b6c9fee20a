"""Images in REST messages."""

from __future__ import annotations

import base64
import io
from typing import Any

import PIL.Image
import pytest
from model_fixtures.images import ImageError
from model_fixtures.server.rest.request_images import image_addresses, prepare_images


def picture() -> str:
    """Return a wide WebP image as a `data:` URI."""
    out = io.BytesIO()
    PIL.Image.new("RGB", (40, 20), "red").save(out, "WEBP")
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()


@pytest.mark.parametrize("wrap", [lambda url: {"url": url, "detail": "low"}, lambda url: url])
def test_images_are_prepared(wrap: Any) -> None:
    """An image becomes a square PNG, whether or not an object contains its address."""
    text = {"type": "text", "text": "Hi"}
    messages: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [text, {"type": "image_url", "image_url": wrap(picture())}]},
    ]
    prepare_images(messages, trim=False)
    first, second = messages[1]["content"]
    assert first == text
    head, _, data = second["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    assert PIL.Image.open(io.BytesIO(base64.b64decode(data))).size == (40, 40)


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
    part = {"type": "image_url", "image_url": {"url": address}}
    with pytest.raises(ImageError, match=problem):
        prepare_images([{"role": "user", "content": [part]}], trim=True)


@pytest.mark.parametrize("messages", [None, "x", [None], [{"content": 3}], [{"content": [4]}]])
def test_messages_of_no_known_form_are_left_alone(messages: Any) -> None:
    """Messages without parts have no images; llama.cpp reports what is wrong with them."""
    prepare_images(messages, trim=True)
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
