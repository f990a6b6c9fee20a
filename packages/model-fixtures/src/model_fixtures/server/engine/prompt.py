"""From a chat to the text that the model continues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import jinja2
import jinja2.sandbox
from msgspec import Struct

from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import Settings

from . import tool_format
from .chat import Image, Turn
from .errors import EngineError
from .llama import LlamaServer, Properties

TEMPLATE_KEY = "llm.prediction.promptTemplate"


class Prompt(Struct, frozen=True):
    """Text with a marker for each image, and the images in their order."""

    text: str
    images: list[bytes] = []


class _Message(Struct, frozen=True):
    """A message as chat templates know it."""

    role: str
    content: str


async def chat_prompt(
    llama: LlamaServer,
    turns: Sequence[Turn],
    settings: Settings,
    *,
    tools: Sequence[dict[str, Any]] = (),
    omit: frozenset[str] = frozenset(),
) -> Prompt:
    """A chat as prompt text that ends with the assistant's header.

    Args:
        llama: applies the model's own template.
        turns: the chat.
        settings: may bring a template of its own, Jinja or manual.
        tools: offered tools, as OpenAI-style definitions.
        omit: `bos_token` or `eos_token` where a Jinja template must not have them.

    Raises:
        ServerError: the template fails.
    """
    system = settings.text("llm.prediction.systemPrompt", "")
    if system and not any(turn.role == "system" for turn in turns):
        turns = [Turn("system", [system]), *turns]
    properties = await llama.properties()
    images: list[bytes] = []
    messages = _messages(turns, tools, properties.media_marker, images)
    template = settings.mapping(TEMPLATE_KEY)
    jinja = Settings(template).mapping("jinjaPromptTemplate")
    manual = Settings(template).mapping("manualPromptTemplate")
    if template.get("type") == "manual" and manual:
        return Prompt(_manual(messages, Settings(manual)), images)
    if template.get("type") == "jinja" and isinstance(jinja.get("template"), str):
        return Prompt(_jinja(jinja["template"], messages, properties, omit), images)
    body = [{"role": message.role, "content": message.content} for message in messages]
    try:
        return Prompt(await llama.apply_template({"messages": body}), images)
    except EngineError as error:
        raise ServerError("The prompt template failed", cause=str(error)) from error


def _messages(
    turns: Sequence[Turn], tools: Sequence[dict[str, Any]], marker: str, images: list[bytes]
) -> list[_Message]:
    """Messages of plain text: images become markers, calls and results the default tool format."""
    if tools or any(turn.calls or turn.results for turn in turns):
        plain = [
            tool_format.Message(
                role=cast("Any", turn.role),
                text=_content(turn, marker, images),
                calls=turn.calls,
                results=turn.results,
            )
            for turn in turns
        ]
        return [_Message(role, text) for role, text in tool_format.turns(plain, tools)]
    return [_Message(turn.role, _content(turn, marker, images)) for turn in turns]


def _content(turn: Turn, marker: str, images: list[bytes]) -> str:
    """Texts on lines of their own; an image stands exactly where it was put."""
    text = ""
    after_text = False
    for part in turn.content:
        if isinstance(part, Image):
            images.append(part.data)
            text += marker
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


def _jinja(
    template: str, messages: Sequence[_Message], properties: Properties, omit: frozenset[str]
) -> str:
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    special = {"bos_token": properties.bos_token, "eos_token": properties.eos_token}

    def raise_exception(message: str) -> None:
        raise jinja2.TemplateError(message)

    try:
        return environment.from_string(template).render(
            messages=[{"role": one.role, "content": one.content} for one in messages],
            add_generation_prompt=True,
            raise_exception=raise_exception,
            **{name: "" if name in omit else text for name, text in special.items()},
        )
    except (
        jinja2.TemplateError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise ServerError("The prompt template failed", cause=str(error)) from error
