# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_vision_async.py
# Change that, then: hatch run sync:generate
"""Image input: a vision model names the colours of images, however they are uploaded."""

from pathlib import Path
from typing import Any

import pytest
from lmstudio import LLM, Chat, Client, FileHandle
from sdk_tests.drawn_images import COLOURS, QUESTION, circle, colours
from sdk_tests.model_names import TOOL_LLM_KEY, VISION_LLM_KEY

pytestmark = [pytest.mark.models]

GREEDY: Any = {"temperature": 0, "maxTokens": 20}


@pytest.fixture
def vision_llm(client: Client) -> LLM:
    """Provide the loaded LLM that accepts images."""
    return LLM(VISION_LLM_KEY, client.llm)


def answer(llm: LLM, *images: FileHandle) -> set[str]:
    """Ask for the colour in one message with images, and return the colours in the answer."""
    chat = Chat()
    chat.add_user_message(QUESTION, images=images)
    return colours((llm.respond(chat, config=GREEDY)).content)


@pytest.mark.parametrize(
    ("kind", "colour"),
    [("PNG", "black"), ("JPEG", "blue"), ("WEBP", "green"), ("GIF", "purple")],
)
def test_image_format(client: Client, vision_llm: LLM, kind: str, colour: str) -> None:
    """The model names the colour in an image of each usual format, uploaded as bytes."""
    image = client.prepare_image(circle(colour, kind), f"circle.{kind.lower()}")
    assert answer(vision_llm, image) == {colour}


def test_image_from_a_path(client: Client, vision_llm: LLM, tmp_path: Path) -> None:
    """The model names the colour in an image that was uploaded by its path."""
    path = tmp_path / "circle.png"
    path.write_bytes(circle("green"))
    assert answer(vision_llm, client.prepare_image(path)) == {"green"}


def test_image_from_an_open_file(client: Client, vision_llm: LLM, tmp_path: Path) -> None:
    """The model names the colour in an image that was uploaded from an open file."""
    path = tmp_path / "circle.png"
    path.write_bytes(circle("purple"))
    with path.open("rb") as stream:
        image = client.prepare_image(stream)
    assert answer(vision_llm, image) == {"purple"}


def test_transparent_image(client: Client, vision_llm: LLM) -> None:
    """The model names only the colour in front of a transparent background."""
    image = client.prepare_image(circle("red", transparent=True), "circle.png")
    assert answer(vision_llm, image) == {"red"}


def test_two_images_in_a_message(client: Client, vision_llm: LLM) -> None:
    """The model names the colour that two images of one message share."""
    images = [
        client.prepare_image(circle("blue", kind), f"{kind}.{kind.lower()}")
        for kind in ("PNG", "JPEG")
    ]
    assert answer(vision_llm, *images) == {"blue"}


def test_image_in_a_later_turn(client: Client, vision_llm: LLM) -> None:
    """The model names the colour in an image that comes in a later turn of the chat."""
    chat = Chat()
    chat.add_user_message("Hello!")
    chat.add_assistant_response("Hello! How can I help you?")
    chat.add_user_message(QUESTION, images=[client.prepare_image(circle("blue"), "a.png")])
    assert colours((vision_llm.respond(chat, config=GREEDY)).content) == {"blue"}


def test_question_about_an_earlier_image(client: Client, vision_llm: LLM) -> None:
    """The model names the colour in an image from an earlier turn of the chat."""
    chat = Chat()
    image = client.prepare_image(circle("purple"), "a.png")
    chat.add_user_message("What shape is this?", images=[image])
    chat.add_assistant_response("It is a circle.")
    chat.add_user_message(QUESTION)
    assert colours((vision_llm.respond(chat, config=GREEDY)).content) == {"purple"}


def test_second_image(client: Client, vision_llm: LLM) -> None:
    """The model names the colour in the last image when two turns have an image each."""
    chat = Chat()
    chat.add_user_message(QUESTION, images=[client.prepare_image(circle("red"), "a.png")])
    chat.add_assistant_response("It is a red circle.")
    second = client.prepare_image(circle("green"), "b.png")
    chat.add_user_message("What color is the circle in this image?", images=[second])
    assert "green" in colours((vision_llm.respond(chat, config=GREEDY)).content)


def test_structured_answer(client: Client, vision_llm: LLM) -> None:
    """Structured output about an image has the colour that is in the image."""
    schema = {
        "type": "object",
        "properties": {"color": {"enum": list(COLOURS)}},
        "required": ["color"],
    }
    chat = Chat()
    chat.add_user_message(QUESTION, images=[client.prepare_image(circle("blue"), "a.png")])
    result = vision_llm.respond(chat, response_format=schema, config=GREEDY)
    assert result.parsed == {"color": "blue"}


def test_streamed_answer(client: Client, vision_llm: LLM) -> None:
    """An answer about an image can be streamed, and its fragments make up the content."""
    chat = Chat()
    chat.add_user_message(QUESTION, images=[client.prepare_image(circle("red"), "a.png")])
    stream = vision_llm.respond_stream(chat, config=GREEDY)
    pieces = [fragment.content for fragment in stream]
    assert len(pieces) > 1, "the answer was not streamed in pieces"
    assert "".join(pieces) == stream.result().content
    assert colours(stream.result().content) == {"red"}


def test_info_says_whether_a_model_accepts_images(client: Client, vision_llm: LLM) -> None:
    """A model's info says whether the model accepts images."""
    info: Any = vision_llm.get_info()
    other: Any = LLM(TOOL_LLM_KEY, client.llm).get_info()
    assert (info.vision, other.vision) == (True, False)
