"""Tickets: the model's answer in fields."""

import pytest
from assistant.connection import Connection
from assistant.errors import AssistantError
from assistant.tickets import Ticket, write_ticket
from model_fixtures import Faults, Wire

CHAT = "llama-3.2-1b-instruct"
MESSAGE = "My printer prints blank pages since Monday. Please call me back today!"
pytestmark = pytest.mark.lmstudio_models(CHAT)


def test_ticket(connection: Connection, lmstudio_wire: Wire) -> None:
    """The host gets the ticket's schema, so that every answer is a valid ticket."""
    ticket = write_ticket(connection, CHAT, MESSAGE)
    assert 1 <= len(ticket.title) <= 60
    assert ticket.area in {"account", "hardware", "network", "software", "other"}
    assert ticket.urgency in {"low", "normal", "high"}
    (request,) = lmstudio_wire.sent("predict")
    assert MESSAGE in request.text
    for field in Ticket.__struct_fields__:
        assert f'"{field}"' in request.text


def test_damaged_answer(unreliable: Connection, lmstudio_faults: Faults) -> None:
    """An answer that is no ticket is refused in one line, and never half used."""
    lmstudio_faults.drop("predict", "fragment")  # the first piece has the opening brace
    with pytest.raises(AssistantError, match=r"^the model's answer is no ticket: "):
        write_ticket(unreliable, CHAT, MESSAGE)


def test_error_of_the_host(unreliable: Connection, lmstudio_faults: Faults) -> None:
    """An error that LM Studio reports is passed on with its text, and is not tried again."""
    lmstudio_faults.fail("predict", error={"title": "The GPU is out of memory."})
    with pytest.raises(AssistantError, match=r"^LM Studio reports: .*GPU is out of memory\.$"):
        write_ticket(unreliable, CHAT, MESSAGE)
