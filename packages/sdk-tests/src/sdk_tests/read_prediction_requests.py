"""What a prediction request tells the model, read from the request's creation parameter."""

from typing import Any

_CONTENT_KEYS = {
    "text": "text",
    "toolCallRequest": "toolCallRequest",
    "toolCallResult": "content",
}


def messages_of(request: Any) -> list[tuple[str, list[Any]]]:
    """Return the role and the contents of each message in a request's history.

    A part's content is its text, its tool call request or its tool result.
    """
    return [
        (message["role"], [part[_CONTENT_KEYS[part["type"]]] for part in message["content"]])
        for message in request["history"]["messages"]
    ]


def tool_names_of(request: Any) -> list[str]:
    """Return the names of the tools that a request offers."""
    (layer,) = request["predictionConfigStack"]["layers"]
    fields = {field["key"]: field["value"] for field in layer["config"]["fields"]}
    tools = fields.get("llm.prediction.tools", {"tools": []})["tools"]
    return [tool["function"]["name"] for tool in tools]
