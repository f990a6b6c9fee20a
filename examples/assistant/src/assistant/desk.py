"""The desk: what the model may do by itself, as tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lmstudio as lms
import msgspec

from .connection import Connection
from .errors import AssistantError, ConnectionLost


class Reminder(msgspec.Struct, frozen=True):
    """Something not to forget."""

    text: str
    time: str


class Desk:
    """A phone book and a list of reminders, in files of a folder.

    Args:
        folder: has `contacts.json`, names with phone numbers; `reminders.jsonl` is made in it.
    """

    def __init__(self, folder: Path) -> None:
        self._contacts = folder / "contacts.json"
        self._reminders = folder / "reminders.jsonl"
        self.added: list[Reminder] = []

    @property
    def tools(self) -> list[Callable[..., str]]:
        """The tools for the model: it reads their names, parameters and docstrings."""
        return [self.get_phone_number, self.add_reminder]

    def get_phone_number(self, name: str) -> str:
        """Get the phone number of a person."""
        contacts: dict[str, str] = {}
        if self._contacts.exists():
            contacts = msgspec.json.decode(self._contacts.read_bytes(), type=dict[str, str])
        for contact, number in contacts.items():
            if contact.casefold() == name.strip().casefold():
                return number
        raise LookupError(f"there is no {name} in the phone book")  # the model gets to read it

    def add_reminder(self, text: str, time: str) -> str:
        """Remind the user of something at a time."""
        reminder = Reminder(text, time)
        self._reminders.parent.mkdir(parents=True, exist_ok=True)
        with self._reminders.open("ab") as stream:
            stream.write(msgspec.json.encode(reminder) + b"\n")
        self.added.append(reminder)
        return f"reminder set for {time}"


def carry_out(connection: Connection, model: str, request: str, desk: Desk) -> str:
    """Have a model do what is asked for with the desk's tools, and return what it says at the end.

    Raises:
        ConnectionLost: the connection broke after something was done, which the message names.
            It is not done again.
        AssistantError: LM Studio cannot answer, or the model does not come to an end.
    """
    before = len(desk.added)
    try:
        return _act(connection, model, request, desk)
    except ConnectionLost as error:
        added = desk.added[before:]
        if added:
            done = ", ".join(f"{each.text} at {each.time}" for each in added)
            raise ConnectionLost(f"{error}, but these reminders were added: {done}") from None
        return _act(connection, model, request, desk)


def _act(connection: Connection, model: str, request: str, desk: Desk) -> str:
    said: list[str] = []

    def keep(message: lms.AssistantResponse | lms.ToolResultMessage) -> None:
        if isinstance(message, lms.AssistantResponse):
            said.append("".join(part.text for part in message.content if part.type == "text"))

    with connection.client() as client:
        client.llm.model(model).act(
            request, desk.tools, max_prediction_rounds=5, on_message=keep, config={"maxTokens": 300}
        )
    if not said or not said[-1].strip():
        raise AssistantError("the model has not said what it did: ask in other words")
    return said[-1].strip()
