"""A chat history, read: roles, texts, images, tool calls and their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from model_fixtures import tool_format
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import COMPLETE_MODE_LAYER, Stack
from model_fixtures.server.protocol.payloads.models import History, Message

# Gives the bytes of an uploaded image, ready for llama.cpp, or raises ServerError.
ImageReader = Callable[[str], bytes]


class Image(Struct, frozen=True):
    """An image between texts."""

    data: bytes


class Turn(Struct, frozen=True):
    """One message; `content` has texts and images in their order."""

    role: str
    content: list[str | Image] = []
    calls: list[tool_format.ToolCall] = []
    results: list[tool_format.ToolResult] = []

    @property
    def text(self) -> str:
        """All texts, each part on a line of its own."""
        return "\n".join(part for part in self.content if isinstance(part, str))


def read_history(history: History, read_image: ImageReader) -> list[Turn]:
    """Return the turns of a history as it comes over the wire.

    Raises:
        ServerError: a role or a part of no known form, or an image that can't be used.
    """
    return [_turn(message, read_image) for message in history.messages]


def raw_prompt(history: History, stack: Stack) -> str | None:
    """Return the text to continue when a request asks for text completion, else None."""
    if not any(layer.layer_name == COMPLETE_MODE_LAYER for layer in stack.layers):
        return None
    return "".join(turn.text for turn in read_history(history, no_images))


def no_images(identifier: str) -> bytes:
    """Return the reader of a model that does not see."""
    raise ServerError(
        "This model does not support images", suggestion="Choose a model whose info says vision"
    )


def _turn(message: Message, read_image: ImageReader) -> Turn:
    if message.role not in {"system", "user", "assistant", "tool"}:
        raise ServerError(f"Unknown role in the chat history: {message.role}")
    turn = Turn(message.role, [], [], [])
    for part in message.content:
        match part:
            case {"type": "text", "text": str(text)}:
                turn.content.append(text)
            case {"type": "file", "fileType": "image", "identifier": str(identifier)}:
                turn.content.append(Image(read_image(identifier)))
            case {"type": "file"}:
                continue  # what the app does with other files is unknown
            case {"type": "toolCallRequest", "toolCallRequest": {"name": str(name)} as request}:
                turn.calls.append(
                    tool_format.ToolCall(name, _arguments(request), _text_or_none(request, "id"))
                )
            case {"type": "toolCallResult", "content": str(content)}:
                turn.results.append(
                    tool_format.ToolResult(content, _text_or_none(part, "toolCallId"))
                )
            case _:
                raise ServerError(
                    f"Invalid content in a message of role {message.role}",
                    cause="expected parts of type text, file, toolCallRequest or toolCallResult",
                )
    return turn


def _arguments(request: dict[str, Any]) -> dict[str, Any]:
    arguments = request.get("arguments")
    return arguments if isinstance(arguments, dict) else {}


def _text_or_none(part: dict[str, Any], key: str) -> str | None:
    value = part.get(key)
    return value if isinstance(value, str) else None
