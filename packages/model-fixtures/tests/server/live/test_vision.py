"""The vision stand-in, used through the server."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import Any

import lmstudio
import openai
import PIL.Image
import PIL.ImageDraw
import pytest

KEY = "mobilevlm_v2-1.7b"
QUESTION = "What colour is the figure?"
COLOURS = {
    "red": (220, 30, 30),
    "orange": (255, 140, 0),
    "yellow": (250, 225, 40),
    "green": (40, 150, 60),
    "blue": (40, 70, 210),
    "purple": (128, 0, 128),
    "pink": (255, 150, 190),
    "brown": (120, 70, 30),
    "black": (10, 10, 10),
    "gray": (128, 128, 128),
    "white": (255, 255, 255),
}


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[lmstudio.Client]:
    """Provide a client of the server."""
    with lmstudio.Client(address) as client:
        yield client


@pytest.fixture(scope="module")
def llm(client: lmstudio.Client) -> Iterator[lmstudio.LLM]:
    """Provide the vision model, loaded for this module."""
    llm = client.llm.load_new_instance(KEY)
    yield llm
    llm.unload()


def figure(colour: str, kind: str = "PNG", shape: str = "circle") -> bytes:
    """Return an image of a figure in a colour."""
    image = PIL.Image.new("RGB", (300, 200), "lightblue" if colour == "white" else "white")
    draw = PIL.ImageDraw.Draw(image)
    box, fill = (90, 40, 210, 160), COLOURS[colour]
    (draw.ellipse if shape == "circle" else draw.rectangle)(box, fill=fill)
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def shown(client: lmstudio.Client, *images: bytes, text: str = QUESTION) -> lmstudio.Chat:
    """Return a chat about images."""
    chat = lmstudio.Chat()
    chat.add_user_message(text, images=[client.prepare_image(image) for image in images])
    return chat


@pytest.mark.difference("vision")
@pytest.mark.parametrize("colour", COLOURS)
def test_colour_is_named(client: lmstudio.Client, llm: lmstudio.LLM, colour: str) -> None:
    """Each of the eleven colours is named from the image's pixels."""
    answer = llm.respond(shown(client, figure(colour)))
    assert colour in answer.content.lower()
    assert answer.stats.stop_reason == "eosFound"


@pytest.mark.difference("vision")
@pytest.mark.parametrize("shape", ["circle", "square"])
def test_usual_sentence(client: lmstudio.Client, llm: lmstudio.LLM, shape: str) -> None:
    """The usual answer is one short sentence with the colour and the shape."""
    answer = llm.respond(shown(client, figure("red", shape=shape), text="What is it?"))
    assert answer.content == f"It is a red {shape}."


@pytest.mark.difference("several-images")
def test_first_of_several_images(client: lmstudio.Client, llm: lmstudio.LLM) -> None:
    """An answer to a message with two images is about the first one."""
    red, blue = figure("red"), figure("blue")
    for first, second, colour in ((red, blue, "red"), (blue, red, "blue")):
        answer = llm.respond(shown(client, first, second)).content
        assert [word for word in COLOURS if word in answer] == [colour]


def test_image_tokens_count(client: lmstudio.Client, llm: lmstudio.LLM) -> None:
    """An image counts as 16 tokens of the prompt, in its statistics and its progress."""
    progress: list[float] = []
    text = llm.respond(QUESTION, config={"maxTokens": 1})
    seen = llm.respond(
        shown(client, figure("red")),
        config={"maxTokens": 1},
        on_prompt_processing_progress=progress.append,
    )
    assert text.stats.prompt_tokens_count is not None
    assert seen.stats.prompt_tokens_count == text.stats.prompt_tokens_count + 16
    assert (progress[0], progress[-1]) == (0.0, 1.0)


def test_equal_requests_give_equal_answers(client: lmstudio.Client, llm: lmstudio.LLM) -> None:
    """At temperature 0 an answer about an image stays the same, whatever images come in between."""
    chats = [shown(client, figure(colour), text="Describe it.") for colour in ("green", "red")]
    answers = [llm.respond(chat, config={"temperature": 0}).content for chat in (*chats, *chats)]
    assert answers[:2] == answers[2:]
    assert answers[0] != answers[1]


def test_structured_answer(client: lmstudio.Client, llm: lmstudio.LLM) -> None:
    """A schema is enforced in a chat with an image, and the answer is still about the image."""
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["green", "purple", "red"]}},
        "required": ["colour"],
    }
    answer = llm.respond(shown(client, figure("purple")), response_format=schema)
    assert answer.parsed == {"colour": "purple"}


def test_cancelled_answer(client: lmstudio.Client, llm: lmstudio.LLM) -> None:
    """A prediction about an image can be cancelled; the next question is answered."""
    chat = shown(client, figure("blue"))
    with llm.respond_stream(chat) as stream:
        for _ in stream:
            stream.cancel()
    assert stream.result().stats.stop_reason == "userStopped"
    assert "blue" in llm.respond(chat).content


def test_damaged_image(client: lmstudio.Client, llm: lmstudio.LLM) -> None:
    """An image that can't be decoded is an error that says so; the model still works."""
    with pytest.raises(lmstudio.LMStudioServerError, match="The image file is damaged"):
        llm.respond(shown(client, figure("red")[:60]))
    assert "red" in llm.respond(shown(client, figure("red"))).content


@pytest.mark.difference("images-over-context")
@pytest.mark.parametrize("policy", ["stopAtLimit", "truncateMiddle", "rollingWindow"])
def test_image_that_does_not_fit(client: lmstudio.Client, llm: lmstudio.LLM, policy: Any) -> None:
    """Under each policy, text and images that are longer than the context are an error."""
    problem = r"request \(\d+ tokens\) exceeds the available context size \(4096 tokens\)"
    with pytest.raises(lmstudio.LMStudioServerError, match=problem):
        llm.respond(
            shown(client, figure("red"), text="word " * 5000),
            config={"contextOverflowPolicy": policy},
        )


@pytest.mark.difference("images-full-context")
def test_full_context_ends_the_answer(client: lmstudio.Client) -> None:
    """With a projector llama.cpp can't shift a full context, so the answer ends there."""
    llm = client.llm.load_new_instance(KEY, "small", config={"contextLength": 128})
    config: Any = {
        "maxTokens": -1,
        "structured": {"type": "gbnf", "gbnfGrammar": 'root ::= "x" root'},
    }
    answer = llm.respond(shown(client, figure("red")), config=config)
    llm.unload()
    assert answer.stats.stop_reason == "contextLengthReached"


@pytest.mark.difference("images-with-drafts")
def test_image_and_draft_model(client: lmstudio.Client, llm: lmstudio.LLM) -> None:
    """A draft model works for text, but is an error with an image."""
    config: Any = {"draftModel": "smollm2-135m-instruct", "maxTokens": 4}
    assert llm.respond("Hello", config=config).stats.used_draft_model_key is not None
    with pytest.raises(lmstudio.LMStudioServerError, match="draft model can't be used"):
        llm.respond(shown(client, figure("red")), config=config)


def test_marker_in_a_text(client: lmstudio.Client, llm: lmstudio.LLM) -> None:
    """A text with the worker's marker, which a formatted prompt reveals, adds no image."""
    formatted = llm.apply_prompt_template(shown(client, figure("red"), text="?"))
    found = re.search(r"<__media_\w+__>", formatted)
    assert found is not None
    plain = llm.respond(shown(client, figure("red")), config={"maxTokens": 1}).stats
    spelt = shown(client, figure("red"), text=found[0] + QUESTION)
    stats = llm.respond(spelt, config={"maxTokens": 1}).stats
    assert stats.prompt_tokens_count == plain.prompt_tokens_count


def test_prompt_that_ends_with_an_image(client: lmstudio.Client, llm: lmstudio.LLM) -> None:
    """A template that puts nothing after the image gets an error, and the model stays loaded."""
    chat = shown(client, figure("red"), text="")
    roles = ("System", "User", "Assistant")
    affixes = {f"{place}{role}": "" for role in roles for place in ("before", "after")}
    template = {"type": "manual", "manualPromptTemplate": affixes, "stopStrings": []}
    with pytest.raises(lmstudio.LMStudioServerError, match="The prompt ends with an image"):
        llm.respond(chat, config={"promptTemplate": template})  # type: ignore[arg-type]
    assert llm.respond(shown(client, figure("red")), config={"maxTokens": 1}).content


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_image_over_rest(address: str, llm: lmstudio.LLM, kind: str) -> None:
    """Over REST images are handled the same way, including WebP, which llama.cpp can't decode."""
    url = "data:image/x;base64," + base64.b64encode(figure("purple", kind)).decode()
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": QUESTION},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    messages: Any = [{"role": "user", "content": parts}]
    with openai.OpenAI(base_url=f"http://{address}/v1", api_key="x", max_retries=0) as rest:
        answer = rest.chat.completions.create(model=KEY, messages=messages, temperature=0)
        assert "purple" in (answer.choices[0].message.content or "")
        parts[1]["image_url"] = {"url": "data:image/png;base64,AAAA"}
        with pytest.raises(openai.BadRequestError, match="not a PNG, JPEG, WebP or GIF"):
            rest.chat.completions.create(model=KEY, messages=messages)


def test_flags(client: lmstudio.Client) -> None:
    """Only one model reports vision, and only another one reports tool use."""
    infos = {model.model_key: model.info for model in client.list_downloaded_models("llm")}
    flags = {key: info.to_dict() for key, info in infos.items()}
    assert [key for key, info in flags.items() if info["vision"]] == [KEY]
    trained = [key for key, info in flags.items() if info["trainedForToolUse"]]
    assert trained == ["qwen2.5-7b-instruct-1m"]
