"""Tools: what the model looks up and does, and what happens when the connection breaks then."""

from pathlib import Path

import pytest
from assistant.connection import Connection
from assistant.desk import Desk, Reminder, carry_out
from assistant.errors import ConnectionLost
from model_fixtures import Faults, Wire

TOOLS = "qwen2.5-7b-instruct-1m"
REMIND = "Can you remind me of lunch at 12:30?"
pytestmark = pytest.mark.lmstudio_models(TOOLS)


def test_phone_number(connection: Connection, folder: Path) -> None:
    """The model looks a number up in the phone book, and says it."""
    answer = carry_out(connection, TOOLS, "What is the phone number of Anna?", Desk(folder))
    assert "0711 4520" in answer


def test_unknown_name(connection: Connection, folder: Path, lmstudio_wire: Wire) -> None:
    """The model gets to read why a tool has failed, and says something about it."""
    assert carry_out(connection, TOOLS, "What is the phone number of Carla?", Desk(folder))
    report = lmstudio_wire.sent("predict")[-1]
    assert "there is no Carla in the phone book" in report.text


def test_reminder(connection: Connection, folder: Path) -> None:
    """The model adds a reminder with what was said."""
    desk = Desk(folder)
    assert "12:30" in carry_out(connection, TOOLS, REMIND, desk)
    (reminder,) = desk.added
    assert reminder.text.lower() == "lunch"
    assert reminder.time == "12:30"
    assert (folder / "reminders.jsonl").read_text().count("\n") == 1


def test_connection_lost_after_a_tool(
    unreliable: Connection, lmstudio_faults: Faults, folder: Path
) -> None:
    """What a tool has done is not done again: the error names it."""
    lmstudio_faults.close("predict", "success", nth=2)  # the answer after the call
    desk = Desk(folder)
    with pytest.raises(ConnectionLost, match=r"these reminders were added: .* at 12:30$"):
        carry_out(unreliable, TOOLS, REMIND, desk)
    assert desk.added == [Reminder(desk.added[0].text, "12:30")]
    assert (folder / "reminders.jsonl").read_text().count("\n") == 1
