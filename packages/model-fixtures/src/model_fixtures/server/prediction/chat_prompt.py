"""A chat on its way from the wire to the text that the model continues."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from typing import Any, cast

from msgspec import Struct

from model_fixtures import tool_format
from model_fixtures.server.engine.errors import EngineError, InstanceGoneError
from model_fixtures.server.engine.generation import Prompt
from model_fixtures.server.engine.llama_client import LlamaServer, Properties
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import COMPLETE_MODE_LAYER, Settings, Stack
from model_fixtures.server.protocol.payloads import models
from model_fixtures.tool_format import Message, ToolCall, ToolResult

from .jinja_renderer import FAILED, TemplateRenderer

TEMPLATE_KEY = "llm.prediction.promptTemplate"

# Returns the bytes of an uploaded image, ready for llama.cpp, or raises ServerError.
ImageReader = Callable[[str], bytes]


class Images:
    """The images of a chat; in its texts each is replaced by a name that nobody can guess.

    So neither a text that spells out llama.cpp's marker nor a template that reorders messages can
    put an image where none was.
    """

    def __init__(self) -> None:
        self._secret = secrets.token_hex(16)
        self._images: list[bytes] = []

    def add(self, data: bytes) -> str:
        """Return the name of a new image."""
        self._images.append(data)
        return f"<image-{self._secret}-{len(self._images) - 1}>"

    def prompt(self, text: str, marker: str) -> Prompt:
        """Return the prompt of a text, with llama.cpp's marker in the place of each name."""
        if not self._images:
            return Prompt(text)
        pieces = self._split(text)
        shown = [self._images[int(number)] for number in pieces[1::2]]
        words = [piece.replace(marker, "") for piece in pieces[::2]]
        return Prompt(marker.join(words), shown, marker)

    def without_names(self, text: str) -> str:
        """Return a text with the names of images left out."""
        return "".join(self._split(text)[::2])

    def _split(self, text: str) -> list[str]:
        """Return the texts between the names, and the numbers of the images between the texts."""
        return re.split(rf"<image-{self._secret}-(\d+)>", text)


class Chat(Struct, frozen=True):
    """A chat as it was read: its messages, and the images that they name."""

    messages: list[Message]
    images: Images

    def up_to_first_user(self) -> Chat:
        """Return the system prompt and the first user message, which `truncateMiddle` keeps."""
        kept: list[Message] = []
        for message in self.messages:
            kept.append(message)
            if message.role == "user":
                break
        return Chat(kept, self.images)


def read_history(history: models.History, read_image: ImageReader) -> Chat:
    """Return a chat from a history as it comes over the wire.

    Raises:
        ServerError: a role or a part has no known form, or an image can't be used.
    """
    images = Images()

    def add(identifier: str) -> str:
        return images.add(read_image(identifier))

    return Chat([_message(message, add) for message in history.messages], images)


def raw_prompt(history: models.History, stack: Stack) -> str | None:
    """Return the text to continue when a request asks for text completion, else None."""
    if not any(layer.layer_name == COMPLETE_MODE_LAYER for layer in stack.layers):
        return None
    return "".join(message.text for message in read_history(history, no_images).messages)


def no_images(identifier: str) -> bytes:
    """Refuse an image: the reader of models without vision."""
    raise ServerError(
        "This model does not support images", suggestion="Choose a model whose info says vision"
    )


def _message(message: models.Message, add_image: Callable[[str], str]) -> Message:
    """Return a message; its texts are on lines of their own, an image stands where it was put."""
    if message.role not in {"system", "user", "assistant", "tool"}:
        raise ServerError(f"Unknown role in the chat history: {message.role}")
    text, after_text = "", False
    calls: list[ToolCall] = []
    results: list[ToolResult] = []
    for part in message.content:
        match part:
            case {"type": "text", "text": str(words)}:
                text += f"\n{words}" if after_text else words
                after_text = True
            case {"type": "file", "fileType": "image", "identifier": str(identifier)}:
                text += add_image(identifier)
                after_text = False
            case {"type": "file"}:
                continue  # what the app does with other files is unknown
            case {"type": "toolCallRequest", "toolCallRequest": {"name": str(name)} as request}:
                calls.append(ToolCall(name, _arguments(request), _text_or_none(request, "id")))
            case {"type": "toolCallResult", "content": str(content)}:
                results.append(ToolResult(content, _text_or_none(part, "toolCallId")))
            case _:
                raise ServerError(
                    f"Invalid content in a message of role {message.role}",
                    cause="expected parts of type text, file, toolCallRequest or toolCallResult",
                )
    return Message(cast("Any", message.role), text, calls, results)


def _arguments(request: dict[str, Any]) -> dict[str, Any]:
    arguments = request.get("arguments")
    return arguments if isinstance(arguments, dict) else {}


def _text_or_none(part: dict[str, Any], key: str) -> str | None:
    value = part.get(key)
    return value if isinstance(value, str) else None


async def chat_prompt(
    llama: LlamaServer,
    chat: Chat,
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
        chat: what was said so far.
        settings: the request's; they may contain a Jinja or a manual template.
        templates: renders a Jinja template.
        tools: the offered tools, as OpenAI-style definitions.
        omit: `bos_token` or `eos_token` where a Jinja template must not get them.
        trained: whether the model was trained on the prompts of `tool_format.chatml`.

    Raises:
        ServerError: the template fails, or the chat can't be written as text.
    """
    messages = chat.messages
    system = settings.text("llm.prediction.systemPrompt", "")
    if system and not any(message.role == "system" for message in messages):
        messages = [Message("system", system), *messages]
    properties = await llama.properties()
    template = settings.mapping(TEMPLATE_KEY)
    jinja = Settings(template).mapping("jinjaPromptTemplate")
    manual = Settings(template).mapping("manualPromptTemplate")
    own_jinja = template.get("type") == "jinja" and isinstance(jinja.get("template"), str)
    own_manual = template.get("type") == "manual" and bool(manual)
    try:
        if trained and not own_jinja and not own_manual:
            text = tool_format.chatml(messages, tools)
            return chat.images.prompt(text, properties.media_marker)
        pairs = _pairs(messages, tools)
    except RecursionError:  # without a cause, whose traceback has a thousand entries
        raise ServerError("The arguments of a tool call in the chat nest too deep") from None
    body = [{"role": role, "content": content} for role, content in pairs]
    if own_manual:
        text = _manual(pairs, Settings(manual))
    elif own_jinja:
        text = await templates.render(jinja["template"], _variables(body, properties, omit))
    else:
        try:
            text = await llama.apply_template({"messages": body})
        except InstanceGoneError:
            raise  # no fault of the template
        except EngineError as error:
            raise ServerError(FAILED, cause=str(error)) from error
    return chat.images.prompt(text, properties.media_marker)


def _pairs(messages: Sequence[Message], tools: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return roles and texts; calls and results are written in the default tool format."""
    if tools or any(message.calls or message.results for message in messages):
        return tool_format.turns(messages, tools)
    return [(message.role, message.text) for message in messages]


def _manual(pairs: Sequence[tuple[str, str]], affixes: Settings) -> str:
    text = ""
    for role, content in pairs:
        name = "User" if role == "tool" else role.capitalize()
        before, after = affixes.text(f"before{name}", ""), affixes.text(f"after{name}", "")
        text += before + content + after
    return text + affixes.text("beforeAssistant", "")


def _variables(
    messages: list[dict[str, str]], properties: Properties, omit: frozenset[str]
) -> dict[str, Any]:
    """Return the variables of a Jinja template that comes with the request."""
    special = {"bos_token": properties.bos_token, "eos_token": properties.eos_token}
    return {
        "messages": messages,
        "add_generation_prompt": True,
        **{name: "" if name in omit else text for name, text in special.items()},
    }
