"""From a chat history to the text that the model continues."""

from __future__ import annotations

from typing import Any

import jinja2
import jinja2.sandbox
from msgspec import Struct

from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import COMPLETE_MODE_LAYER, Settings, Stack
from model_fixtures.server.protocol.models import History, Message

from .errors import EngineError
from .llama import LlamaServer

TEMPLATE_KEY = "llm.prediction.promptTemplate"


class Turn(Struct, frozen=True):
    """A message with plain text, as chat templates know it."""

    role: str
    content: str


def turns_from(history: History) -> list[Turn]:
    """The messages of a history as text.

    Raises:
        ServerError: a role or a content part of no known form, or an image.
    """
    return [Turn(_role(message), _text(message)) for message in history.messages]


def raw_prompt(history: History, stack: Stack) -> str | None:
    """The text to continue when a request asks for text completion, else None."""
    if not any(layer.layer_name == COMPLETE_MODE_LAYER for layer in stack.layers):
        return None
    return "".join(turn.content for turn in turns_from(history))


async def chat_prompt(
    llama: LlamaServer, turns: list[Turn], settings: Settings, *, special: dict[str, str]
) -> str:
    """A chat as prompt text that ends with the assistant's header.

    Args:
        llama: applies the model's own template.
        turns: the chat.
        settings: may bring a template of its own, Jinja or manual.
        special: `bos_token` and `eos_token` for a Jinja template.

    Raises:
        ServerError: the template fails.
    """
    system = settings.text("llm.prediction.systemPrompt", "")
    if system and not any(turn.role == "system" for turn in turns):
        turns = [Turn("system", system), *turns]
    template = settings.mapping(TEMPLATE_KEY)
    jinja = Settings(template).mapping("jinjaPromptTemplate")
    manual = Settings(template).mapping("manualPromptTemplate")
    if template.get("type") == "manual" and manual:
        return _manual(turns, Settings(manual))
    if template.get("type") == "jinja" and isinstance(jinja.get("template"), str):
        return _jinja(jinja["template"], turns, special)
    messages = [{"role": turn.role, "content": turn.content} for turn in turns]
    try:
        return await llama.apply_template({"messages": messages})
    except EngineError as error:
        raise ServerError("The prompt template failed", cause=str(error)) from error


def _manual(turns: list[Turn], affixes: Settings) -> str:
    text = ""
    for turn in turns:
        role = turn.role.capitalize() if turn.role != "tool" else "User"
        text += affixes.text(f"before{role}", "") + turn.content + affixes.text(f"after{role}", "")
    return text + affixes.text("beforeAssistant", "")


def _jinja(template: str, turns: list[Turn], special: dict[str, str]) -> str:
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, autoescape=False
    )

    def raise_exception(message: str) -> None:
        raise jinja2.TemplateError(message)

    try:
        return environment.from_string(template).render(
            messages=[{"role": turn.role, "content": turn.content} for turn in turns],
            add_generation_prompt=True,
            raise_exception=raise_exception,
            **special,
        )
    except (jinja2.TemplateError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise ServerError("The prompt template failed", cause=str(error)) from error


def _role(message: Message) -> str:
    if message.role not in {"system", "user", "assistant", "tool"}:
        raise ServerError(f"Unknown role in the chat history: {message.role}")
    return message.role


def _text(message: Message) -> str:
    """The text of all parts; several text parts of one message stand on lines of their own."""
    texts: list[str] = []
    for part in message.content:
        match part:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case {"type": "toolCallResult", "content": str(content)}:
                texts.append(content)
            case {"type": "toolCallRequest", "toolCallRequest": dict(request)}:
                texts.append(_tool_request(request))
            case {"type": "file", "fileType": "image"}:
                raise ServerError("This model does not support images")
            case {"type": "file"}:
                continue  # the app's own use of other files is unknown
            case _:
                raise ServerError(
                    f"Invalid content in a message of role {message.role}",
                    cause="expected parts of type text, file, toolCallRequest or toolCallResult",
                )
    return "\n".join(texts)


def _tool_request(request: dict[str, Any]) -> str:
    return f"{request.get('name', '')}({request.get('arguments', {})})"
