"""The messages of a chat over REST, in the form that they have on a websocket."""

from __future__ import annotations

from typing import Any

import msgspec

from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads.models import History, Message

from .request_images import address_of

ROLES = {"developer": "system"}  # OpenAI's newer name


def read_messages(messages: list[dict[str, Any]]) -> History:
    """Return the history of a chat; the identifier of an image is its address.

    The results of several calls, which have a message each, become one message.

    Raises:
        ServerError: a message has a part or arguments of no known form.
    """
    history: list[Message] = []
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        role = ROLES.get(message["role"], message["role"])
        if role == "tool":
            result = _result(message, place)
            if history and history[-1].role == "tool":
                history[-1].content.append(result)
            else:
                history.append(Message("tool", [result]))
            continue
        content = _content(message.get("content"), place)
        calls = message.get("tool_calls") or []
        content += [
            _call(call, f"{place}.tool_calls[{number}]") for number, call in enumerate(calls)
        ]
        history.append(Message(role, content))
    return History(history)


def _content(content: Any, place: str) -> list[dict[str, Any]]:
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [_part(part, f"{place}.content[{index}]") for index, part in enumerate(content)]


def _part(part: dict[str, Any], place: str) -> dict[str, Any]:
    if part["type"] == "text":
        return {"type": "text", "text": part["text"]}
    if part["type"] == "image_url":
        return {"type": "file", "fileType": "image", "identifier": address_of(part, "image_url")}
    raise ServerError(f"Invalid value for '{place}.type': expected 'text' or 'image_url'")


def _call(call: dict[str, Any], place: str) -> dict[str, Any]:
    function = call["function"]
    request = {"name": function["name"], "arguments": _arguments(function["arguments"], place)}
    return {"type": "toolCallRequest", "toolCallRequest": {**request, "id": call.get("id")}}


def _arguments(text: str, place: str) -> dict[str, Any]:
    """Return the arguments of a call; a model that calls without any may have written nothing."""
    expected = f"Invalid value for '{place}.function.arguments': expected a JSON object"
    if not text.strip():
        return {}
    try:
        arguments = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ServerError(expected, cause=str(error)) from None
    if not isinstance(arguments, dict):
        raise ServerError(expected)
    return arguments


def _result(message: dict[str, Any], place: str) -> dict[str, Any]:
    parts = _content(message.get("content"), place)
    if any(part["type"] != "text" for part in parts):
        raise ServerError(f"Invalid value for '{place}.content': a tool's result is text")
    content = "\n".join(part["text"] for part in parts)
    call_id = message.get("tool_call_id")
    return {"type": "toolCallResult", "content": content, "toolCallId": call_id}
