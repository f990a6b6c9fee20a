"""From a chat to the text that the model continues."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Any, cast

from msgspec import Struct

from model_fixtures import tool_format
from model_fixtures.server.engine.errors import EngineError
from model_fixtures.server.engine.llama_client import LlamaServer, Properties
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import Settings

from .chat_history import Image, Turn
from .jinja_renderer import FAILED, TemplateRenderer

TEMPLATE_KEY = "llm.prediction.promptTemplate"


class Prompt(Struct, frozen=True):
    """Text with llama.cpp's marker for each image, and the images in the order of the markers."""

    text: str
    images: list[bytes] = []
    marker: str = ""

    @property
    def words(self) -> str:
        """The text without the markers."""
        return self.text.replace(self.marker, "") if self.images else self.text


class _Message(Struct, frozen=True):
    """A message as chat templates know it."""

    role: str
    content: str


async def chat_prompt(
    llama: LlamaServer,
    turns: Sequence[Turn],
    settings: Settings,
    *,
    templates: TemplateRenderer,
    tools: Sequence[dict[str, Any]] = (),
    omit: frozenset[str] = frozenset(),
    trained: bool = False,
) -> Prompt:
    """Return a chat as prompt text that ends with the assistant's header.

    Args:
        llama: applies the model's own template.
        turns: the chat.
        settings: may bring a template of its own, Jinja or manual.
        templates: renders one in Jinja.
        tools: offered tools, as OpenAI-style definitions.
        omit: `bos_token` or `eos_token` where a Jinja template must not have them.
        trained: whether the model was trained on the prompts of `tool_format.chatml`.

    Raises:
        ServerError: the template fails, or the chat can't be written as text.
    """
    system = settings.text("llm.prediction.systemPrompt", "")
    if system and not any(turn.role == "system" for turn in turns):
        turns = [Turn("system", [system]), *turns]
    properties = await llama.properties()
    images = _Images(properties.media_marker)
    template = settings.mapping(TEMPLATE_KEY)
    jinja = Settings(template).mapping("jinjaPromptTemplate")
    manual = Settings(template).mapping("manualPromptTemplate")
    own_jinja = template.get("type") == "jinja" and isinstance(jinja.get("template"), str)
    own_manual = template.get("type") == "manual" and bool(manual)
    try:
        plain = _plain(turns, images)
        if trained and not own_jinja and not own_manual:
            return images.prompt(tool_format.chatml(plain, tools))
        messages = _messages(plain, tools)
    except RecursionError:  # without a cause, whose traceback has a thousand entries
        raise ServerError("The arguments of a tool call in the chat nest too deep") from None
    if own_manual:
        return images.prompt(_manual(messages, Settings(manual)))
    if own_jinja:
        variables = _variables(messages, properties, omit)
        return images.prompt(await templates.render(jinja["template"], variables))
    body = [{"role": message.role, "content": message.content} for message in messages]
    try:
        return images.prompt(await llama.apply_template({"messages": body}))
    except EngineError as error:
        raise ServerError(FAILED, cause=str(error)) from error


class _Images:
    """Puts names that nobody can guess in the place of images while the prompt is made.

    A text that spells out llama.cpp's marker, or a template that turns messages round, can't put
    an image where none was.
    """

    def __init__(self, marker: str) -> None:
        self._marker = marker
        self._secret = secrets.token_hex(16)
        self._images: list[bytes] = []

    def add(self, data: bytes) -> str:
        """Return the name of an image."""
        self._images.append(data)
        return f"<image-{self._secret}-{len(self._images) - 1}>"

    def prompt(self, text: str) -> Prompt:
        """Return the prompt of a text with names in it."""
        if not self._images:
            return Prompt(text)
        pieces = re.split(rf"<image-{self._secret}-(\d+)>", text)
        shown = [self._images[int(number)] for number in pieces[1::2]]
        words = [piece.replace(self._marker, "") for piece in pieces[::2]]
        return Prompt(self._marker.join(words), shown, self._marker)


def _plain(turns: Sequence[Turn], images: _Images) -> list[tool_format.Message]:
    """Return the chat with its images in words."""
    return [
        tool_format.Message(
            role=cast("Any", turn.role),
            text=_content(turn, images),
            calls=turn.calls,
            results=turn.results,
        )
        for turn in turns
    ]


def _messages(
    plain: Sequence[tool_format.Message], tools: Sequence[dict[str, Any]]
) -> list[_Message]:
    """Return messages of plain text: calls and results are in the default tool format."""
    if tools or any(message.calls or message.results for message in plain):
        return [_Message(role, text) for role, text in tool_format.turns(plain, tools)]
    return [_Message(message.role, message.text) for message in plain]


def _content(turn: Turn, images: _Images) -> str:
    """Return texts on lines of their own; an image stands exactly where it was put."""
    text = ""
    after_text = False
    for part in turn.content:
        if isinstance(part, Image):
            text += images.add(part.data)
        else:
            text += ("\n" if after_text else "") + part
        after_text = isinstance(part, str)
    return text


def _manual(messages: Sequence[_Message], affixes: Settings) -> str:
    text = ""
    for message in messages:
        role = "User" if message.role == "tool" else message.role.capitalize()
        before, after = affixes.text(f"before{role}", ""), affixes.text(f"after{role}", "")
        text += before + message.content + after
    return text + affixes.text("beforeAssistant", "")


def _variables(
    messages: Sequence[_Message], properties: Properties, omit: frozenset[str]
) -> dict[str, Any]:
    """Return what a Jinja template of the request's gets to know."""
    special = {"bos_token": properties.bos_token, "eos_token": properties.eos_token}
    return {
        "messages": [{"role": one.role, "content": one.content} for one in messages],
        "add_generation_prompt": True,
        **{name: "" if name in omit else text for name, text in special.items()},
    }
