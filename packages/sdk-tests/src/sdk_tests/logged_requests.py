"""What the SDK has sent, read back from its own debug log."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class SentRequests:
    """The predictions that were requested in the block of `sent_requests`."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def __len__(self) -> int:
        return len(list(self._predictions()))

    def messages(self, index: int) -> list[tuple[str, list[Any]]]:
        """Return role and telling content of each message in the history of a request."""
        telling = {
            "text": "text",
            "toolCallRequest": "toolCallRequest",
            "toolCallResult": "content",
        }
        return [
            (message["role"], [part[telling[part["type"]]] for part in message["content"]])
            for message in list(self._predictions())[index]["history"]["messages"]
        ]

    def result_ids(self, index: int) -> dict[str | None, str]:
        """Return the contents of the tool results in the last message of a request, by their id."""
        message = list(self._predictions())[index]["history"]["messages"][-1]
        return {part.get("toolCallId"): part["content"] for part in message["content"]}

    def tools(self, index: int) -> list[str]:
        """Return the names of the tools that a request offers."""
        (layer,) = list(self._predictions())[index]["predictionConfigStack"]["layers"]
        fields = {field["key"]: field["value"] for field in layer["config"]["fields"]}
        tools = fields.get("llm.prediction.tools", {"tools": []})["tools"]
        return [tool["function"]["name"] for tool in tools]

    def _predictions(self) -> Iterator[dict[str, Any]]:
        for record in self._caplog.records:
            if "Connecting channel endpoint" not in record.getMessage():
                continue
            request = json.loads(record.getMessage())["json"]
            if request["endpoint"] == "predict":
                yield request["creationParameter"]


@contextmanager
def sent_requests(caplog: pytest.LogCaptureFixture) -> Iterator[SentRequests]:
    """Record the predictions that are requested in the block."""
    with caplog.at_level("DEBUG"):
        yield SentRequests(caplog)
