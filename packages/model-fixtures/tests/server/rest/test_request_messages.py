"""REST messages in the form that they have on a websocket."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.rest.request_messages import read_messages


def call(identifier: str, arguments: str) -> dict[str, Any]:
    """Return a call of a tool."""
    function = {"name": "add", "arguments": arguments}
    return {"id": identifier, "type": "function", "function": function}


def read(*messages: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the roles and contents of messages."""
    return [(message.role, message.content) for message in read_messages(list(messages)).messages]


def test_texts_and_images() -> None:
    """Texts stay in order with images, whose identifier is their address."""
    image = {"type": "image_url", "image_url": {"url": "data:x"}}
    parts = [{"type": "text", "text": "a"}, image, {"type": "text", "text": "b"}]
    found = read({"role": "developer", "content": "c"}, {"role": "user", "content": parts})
    shown = {"type": "file", "fileType": "image", "identifier": "data:x"}
    assert found == [
        ("system", [{"type": "text", "text": "c"}]),
        ("user", [parts[0], shown, parts[2]]),
    ]


def test_results_of_several_calls_become_one_message() -> None:
    """Each result has a message of its own over REST, and all of them one on a websocket."""
    calls = [call("1", '{"a": 1}'), call("2", "")]
    found = read(
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "1", "content": "3"},
        {"role": "tool", "tool_call_id": "2", "content": [{"type": "text", "text": "Error: no"}]},
        {"role": "user", "content": "And?"},
    )
    assert [role for role, _ in found] == ["assistant", "tool", "user"]
    assert [part["toolCallRequest"] for part in found[0][1]] == [
        {"name": "add", "arguments": {"a": 1}, "id": "1"},
        {"name": "add", "arguments": {}, "id": "2"},
    ]
    assert found[1][1] == [
        {"type": "toolCallResult", "content": "3", "toolCallId": "1"},
        {"type": "toolCallResult", "content": "Error: no", "toolCallId": "2"},
    ]


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ({"role": "assistant", "tool_calls": [call("1", '{"a')]}, "tool_calls[0].function"),
        ({"role": "assistant", "tool_calls": [call("1", "[1]")]}, "tool_calls[0].function"),
        ({"role": "user", "content": [{"type": "input_audio"}]}, "content[0].type"),
        (
            {"role": "tool", "content": [{"type": "image_url", "image_url": "data:x"}]},
            "content': a tool's result is text",
        ),
    ],
)
def test_mistakes(message: dict[str, Any], place: str) -> None:
    """A part or arguments of no known form are an error that names the place."""
    with pytest.raises(ServerError) as caught:
        read({"role": "user", "content": "Hi"}, message)
    assert f"messages[1].{place}" in caught.value.title
