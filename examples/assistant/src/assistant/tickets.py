"""Tickets: what a customer's message asks for, in fields that other programs can use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import lmstudio as lms
import msgspec

from .connection import Connection
from .errors import AssistantError

INSTRUCTIONS = "Turn the customer's message into a ticket. The title is a short summary."


class Ticket(lms.BaseModel):
    """A customer's message in fields."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    area: Literal["account", "hardware", "network", "software", "other"]
    urgency: Literal["low", "normal", "high"]
    call_back: bool


def write_ticket(connection: Connection, model: str, message: str) -> Ticket:
    """Return the ticket that a model makes of a customer's message.

    Raises:
        AssistantError: LM Studio cannot answer, or its answer is no ticket.
    """
    chat = lms.Chat(INSTRUCTIONS)
    chat.add_user_message(message)
    result = connection.ask(
        lambda client: client.llm.model(model).respond(
            chat, response_format=Ticket, config={"temperature": 0, "maxTokens": 200}
        )
    )
    # The host forces the schema on the model, but a limit of tokens may cut the answer short.
    try:
        return msgspec.json.decode(result.content, type=Ticket)
    except msgspec.DecodeError as error:
        raise AssistantError(f"the model's answer is no ticket: {error}") from None


def file_ticket(ticket: Ticket, folder: Path) -> Path:
    """Write a ticket into a folder under the next free number, and return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(file.stem) for file in folder.glob("[0-9]*.json")), default=0)
    while True:
        file = folder / f"{number:04}.json"
        try:
            with file.open("xb") as stream:
                stream.write(msgspec.json.format(msgspec.json.encode(ticket)) + b"\n")
        except FileExistsError:  # another process was faster
            number += 1
        else:
            return file
