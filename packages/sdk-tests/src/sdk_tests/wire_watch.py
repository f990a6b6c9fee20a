"""A watch over the messages between the SDK and the embedded server during the tests.

It checks each message from the server against the SDK's schema, and notes which endpoints a test
reaches, including those that a plugin's process reaches.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from lmstudio._ws_impl import AsyncWebsocketHandler
from model_fixtures.wire_log.other_processes import FileEvent, parse_event
from msgspec import UNSET

from .host_message_checks import error_problems, packet_problems, result_problems


class WireWatch:
    """The endpoints and problems that were seen since the last `reset`."""

    def __init__(self) -> None:
        self.endpoints: set[str] = set()
        self.problems: list[str] = []
        self.forged = False
        """Whether a scenario made the server send messages that are not its own."""
        self._logs: dict[Path, int] = {}
        self._others: dict[str, dict[Any, str]] = {}  # connections of other processes

    def reset(self) -> None:
        """Forget what has been seen."""
        self.read_logs()
        self.endpoints = set()
        self.problems = []
        self.forged = False

    def add_log(self, path: Path) -> None:
        """Watch a file to which another process writes its frames, by `wire_log.record_to_file`.

        plugin_process makes a plugin's process write such a file.
        """
        self._logs[path] = 0

    def read_logs(self) -> None:
        """Read the messages that other processes have written since the last call."""
        for path, position in list(self._logs.items()):
            if not path.is_file():
                continue
            with path.open(encoding="utf-8") as file:
                file.seek(position)
                for line in iter(file.readline, ""):
                    if not line.endswith("\n"):
                        break  # the rest of the line has not been written yet
                    position = file.tell()
                    self._read(parse_event(line))
                self._logs[path] = position

    def _read(self, event: FileEvent) -> None:
        if event.direction not in ("sent", "received"):
            return
        message = json.loads(event.text)
        if "type" not in message:
            return  # the authentication
        ids = self._others.setdefault(event.connection, {})
        if event.direction == "sent":
            self.sent(ids, message)
        else:
            self.received(ids, urlsplit(event.url).path.strip("/"), message)

    def sent(self, connection: dict[Any, str], message: Any) -> None:
        """Note a message from the SDK; `connection` keeps the endpoint of each id."""
        match message:
            case {"type": "rpcCall", "endpoint": str(endpoint), "callId": number}:
                connection["callId", number] = endpoint
                self.endpoints.add(endpoint)
            case {"type": "channelCreate", "endpoint": str(endpoint), "channelId": number}:
                connection["channelId", number] = endpoint
                self.endpoints.add(endpoint)

    def received(self, connection: dict[Any, str], namespace: str, message: Any) -> None:
        """Check a message from the server; `connection` has the endpoint of each id."""
        match message:
            case {"type": "rpcResult", "callId": number}:
                endpoint = connection.get(("callId", number), "?")
                result = message.get("result", UNSET)
                self.problems += result_problems(namespace, endpoint, result)
            case {"type": "channelSend", "channelId": number, "message": packet}:
                endpoint = connection.get(("channelId", number), "?")
                self.problems += packet_problems(namespace, endpoint, packet)
            case {"type": "rpcError", "callId": number, "error": error}:
                endpoint = connection.get(("callId", number), "?")
                self.problems += error_problems(namespace, endpoint, error)
            case {"type": "channelError", "channelId": number, "error": error}:
                endpoint = connection.get(("channelId", number), "?")
                self.problems += error_problems(namespace, endpoint, error)
            case {"type": "channelClose", "channelId": int()}:
                pass
            case {"type": "communicationWarning", "warning": str()}:
                pass  # a cancellation may arrive after the end of its prediction
            case _:
                self.problems.append(f"{namespace}: not a message: {json.dumps(message):.200}")


WATCH = WireWatch()
"""The watch of this process."""


@contextmanager
def watching() -> Iterator[WireWatch]:
    """Watch all connections of the SDK in this process while the block runs."""
    send, start = AsyncWebsocketHandler.send_json, AsyncWebsocketHandler.__init__

    def ids(handler: Any) -> dict[Any, str]:
        found: dict[Any, str] = handler.__dict__.setdefault("_sdk_tests_ids", {})
        return found

    async def send_json(self: Any, message: Any) -> None:
        WATCH.sent(ids(self), message)
        await send(self, message)

    def received(self: Any, message: Any) -> None:
        WATCH.received(ids(self), urlsplit(self._ws_url).path.strip("/"), message)

    def init(self: Any, *args: Any, **options: Any) -> None:
        """Watch messages on their way to the function that a release before 1.5.0 is given."""
        start(self, *args, **options)
        receive = self._enqueue_message

        def enqueue_message(message: Any) -> bool:
            if message is not None:  # the end of the connection
                received(self, message)
            return bool(receive(message))

        self._enqueue_message = enqueue_message

    async def enqueue_message(self: Any, message: Any) -> bool:
        received(self, message)
        known: bool = await receive_by_method(self, message)
        return known

    receive_by_method: Any = getattr(AsyncWebsocketHandler, "_enqueue_message", None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AsyncWebsocketHandler, "send_json", send_json)
        if receive_by_method is None:
            patch.setattr(AsyncWebsocketHandler, "__init__", init)
        else:
            patch.setattr(AsyncWebsocketHandler, "_enqueue_message", enqueue_message)
        yield WATCH
