"""From a chat to prompt text: where images stand, and which format is used."""

from __future__ import annotations

from typing import Any, cast

import pytest
from model_fixtures.server.engine.errors import InstanceGoneError
from model_fixtures.server.engine.generation import Prompt
from model_fixtures.server.engine.llama_client import LlamaServer, Properties
from model_fixtures.server.prediction.chat_prompt import chat_prompt, read_history
from model_fixtures.server.prediction.jinja_renderer import TemplateRenderer
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.protocol.payloads import models
from model_fixtures.tool_format import Message, ToolCall, ToolResult, chatml

pytestmark = pytest.mark.anyio
TOOL = {"type": "function", "function": {"name": "add", "description": "Add.", "parameters": {}}}


class FakeLlama:
    """A model with the marker `<M>`, whose template puts each message on its own line."""

    async def properties(self) -> Properties:
        """Return the properties of the model."""
        return Properties(media_marker="<M>")

    async def apply_template(self, request: dict[str, Any]) -> str:
        """Return messages as `role: content`."""
        return "".join(f"{one['role']}: {one['content']}\n" for one in request["messages"])


def image(data: str) -> dict[str, Any]:
    """Return a part that is an image; its identifier is also its content."""
    return {"type": "file", "fileType": "image", "identifier": data}


def message(role: str, *parts: str | dict[str, Any]) -> models.Message:
    """Return a message as it comes over the wire; a string is a part of text."""
    content = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
    return models.Message(role, content)


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return a part that calls a tool."""
    request = {"type": "function", "id": "7", "name": name, "arguments": arguments}
    return {"type": "toolCallRequest", "toolCallRequest": request}


async def prompt(
    messages: list[models.Message],
    template: str | None = None,
    *,
    trained: bool = False,
    tools: Any = (),
) -> Prompt:
    """Return the prompt of a chat, by the model's template or by a Jinja one."""
    chat = read_history(models.History(messages), str.encode)
    own = {"type": "jinja", "jinjaPromptTemplate": {"template": template}}
    settings = Settings({} if template is None else {"llm.prediction.promptTemplate": own})
    llama = cast("LlamaServer", FakeLlama())
    templates = TemplateRenderer()
    try:
        return await chat_prompt(
            llama, chat, settings, templates=templates, tools=tools, trained=trained
        )
    finally:
        await templates.close()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (["What?", image("1")], "user: What?<M>\n"),
        ([image("1"), "What?"], "user: <M>What?\n"),
        (["One", "two", image("1"), "three"], "user: One\ntwo<M>three\n"),
    ],
)
async def test_place_of_an_image(content: list[str | dict[str, Any]], text: str) -> None:
    """An image stands at the place of its part, with nothing around it."""
    made = await prompt([message("user", *content)])
    assert (made.text, made.images) == (text, [b"1"])
    assert made.words == text.replace("<M>", "")


async def test_images_of_several_messages() -> None:
    """Images keep their order over all messages."""
    messages = [
        message("user", image("1"), image("2")),
        message("assistant", "Hm."),
        message("user", image("3")),
    ]
    made = await prompt(messages)
    assert made == Prompt("user: <M><M>\nassistant: Hm.\nuser: <M>\n", [b"1", b"2", b"3"], "<M>")


async def test_text_cannot_be_a_marker() -> None:
    """A marker that a text spells out is removed from a prompt with images."""
    made = await prompt([message("user", "a<M>b", image("1"), "<M>")])
    assert (made.text, made.images) == ("user: ab<M>\n", [b"1"])


async def test_marker_without_images_is_text() -> None:
    """Without images a prompt goes to llama.cpp as tokens, where the marker means nothing."""
    assert await prompt([message("user", "a<M>b")]) == Prompt("user: a<M>b\n")


@pytest.mark.parametrize(
    ("template", "text", "images"),
    [
        ("{{ messages | map(attribute='content') | join('|') }}", "<M>a|<M>b", [b"1", b"2"]),
        ("{{ messages[1].content }}{{ messages[0].content }}", "<M>b<M>a", [b"2", b"1"]),
        ("{{ messages[1].content }}", "<M>b", [b"2"]),
        ("none<M>", "none", []),
    ],
)
async def test_images_follow_the_template(template: str, text: str, images: list[bytes]) -> None:
    """The request's template may leave images out or reorder them; each text keeps its image."""
    messages = [message("user", image("1"), "a"), message("user", image("2"), "b")]
    made = await prompt(messages, template)
    assert (made.text, made.images) == (text, images)


@pytest.mark.difference("text-tool-format")
async def test_trained_format() -> None:
    """Tool-use weights get exactly the text that they were trained on, in later rounds too."""
    sent = [
        message("user", "Add"),
        message("assistant", "Sure.", call("add", {"a": 1})),
        message("tool", {"type": "toolCallResult", "content": "1", "toolCallId": "7"}),
    ]
    trained = [
        Message("user", "Add"),
        Message("assistant", "Sure.", [ToolCall("add", {"a": 1}, "7")]),
        Message("tool", "", [], [ToolResult("1", "7")]),
    ]
    for tools in ([TOOL], []):
        assert (await prompt(sent, trained=True, tools=tools)).text == chatml(trained, tools)
    assert (await prompt(sent[:1], trained=True)).text == chatml(trained[:1])


async def test_template_of_the_request_goes_before_the_trained_format() -> None:
    """All weights use the template of a request that has one."""
    made = await prompt([message("user", "Hi")], "<{{ messages[0].content }}>", trained=True)
    assert made.text == "<Hi>"


async def test_arguments_that_nest_too_deep_are_the_callers_mistake() -> None:
    """A tool call in the history that can't be written as JSON is a clear error."""
    nested: Any = {}
    for _ in range(3000):
        nested = {"a": nested}
    with pytest.raises(ServerError, match="nest too deep"):
        await prompt([message("assistant", call("f", nested))], trained=True)


async def test_model_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is gone is no fault of its template, nor of the request."""

    async def gone(*_: object) -> str:
        raise InstanceGoneError("It crashed", unloaded=False)

    monkeypatch.setattr(FakeLlama, "apply_template", gone)
    with pytest.raises(InstanceGoneError, match="It crashed"):
        await prompt([message("user", "Hi")])
