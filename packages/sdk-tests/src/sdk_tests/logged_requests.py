"""The prediction requests that the SDK has sent, read back from its own debug log."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .read_prediction_requests import messages_of, tool_names_of


class LoggedRequests:
    """The predictions that were requested inside the block of `logged_requests`."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def __len__(self) -> int:
        return len(list(self._predictions()))

    def messages(self, index: int) -> list[tuple[str, list[Any]]]:
        """Return the role and the contents of each message in a request's history."""
        return messages_of(self._prediction(index))

    def result_ids(self, index: int) -> dict[str | None, str]:
        """Return the tool results in the last message of a request, by the id of the call."""
        message = self._prediction(index)["history"]["messages"][-1]
        return {part.get("toolCallId"): part["content"] for part in message["content"]}

    def tools(self, index: int) -> list[str]:
        """Return the names of the tools that a request offers."""
        return tool_names_of(self._prediction(index))

    def _prediction(self, index: int) -> dict[str, Any]:
        requests = list(self._predictions())
        assert index < len(requests), f"only {len(requests)} predictions were requested"
        return requests[index]

    def _predictions(self) -> Iterator[dict[str, Any]]:
        for record in self._caplog.records:
            if "Connecting channel endpoint" not in record.getMessage():
                continue
            request = json.loads(record.getMessage())["json"]
            if request["endpoint"] == "predict":
                yield request["creationParameter"]


@contextmanager
def logged_requests(caplog: pytest.LogCaptureFixture) -> Iterator[LoggedRequests]:
    """Record the predictions that are requested inside the block."""
    with caplog.at_level("DEBUG"):
        yield LoggedRequests(caplog)
