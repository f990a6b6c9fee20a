"""The prediction process that plugins take part in: one turn of a chat, from question to answer."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Any

from model_fixtures.server.protocol.errors import ServerError

OnEvent = Callable[[dict[str, Any]], None]


class PredictionProcess:
    """A prediction process: its history, and what plugins report while it runs.

    Args:
        messages: the chat so far, in wire form.
        model: identifier of the model that answers.
        on_event: gets every update as it comes.
    """

    def __init__(self, messages: list[dict[str, Any]], model: str, on_event: OnEvent) -> None:
        self.pci = secrets.token_hex(8)
        self.token = secrets.token_hex(16)
        self.messages = messages
        self.model = model
        self.statuses: dict[str, dict[str, Any]] = {}
        self.name: str | None = None
        self._on_event = on_event

    def update(self, update: dict[str, Any]) -> None:
        """Take an update: a status, a citation, a tool status, content."""
        match update:
            case {"type": "status.create" | "status.update", "id": str(number), "state": state}:
                self.statuses[number] = state
            case {"type": "status.remove", "id": str(number)}:
                self.statuses.pop(number, None)
            case {"type": str()}:
                pass
            case _:
                raise ServerError("The update has no type")
        self.report({"event": "update", "update": update})

    def report(self, event: dict[str, Any]) -> None:
        """Report an event to whoever drives the turn."""
        self._on_event(event)


class PredictionProcesses:
    """The prediction processes under way, by their `pci`."""

    def __init__(self) -> None:
        self._running: dict[str, PredictionProcess] = {}
        self._past: dict[str, PredictionProcess] = {}

    def start(self, process: PredictionProcess) -> None:
        """Begin a process."""
        self._running[process.pci] = process

    def end(self, process: PredictionProcess) -> None:
        """End a process; updates that a plugin still sends for it are accepted."""
        if self._running.pop(process.pci, None) is not None:
            self._past = {process.pci: process}

    def get(self, pci: str, token: str) -> PredictionProcess:
        """Return the process that a plugin names.

        Raises:
            ServerError: there is none, or the token is not its own.
        """
        process = self._running.get(pci) or self._past.get(pci)
        if process is None or not hmac.compare_digest(process.token.encode(), token.encode()):
            raise ServerError("No such prediction process, or the wrong token for it")
        return process
