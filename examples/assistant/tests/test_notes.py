"""Search in notes by meaning."""

from pathlib import Path

import pytest
from assistant.connection import Connection
from assistant.errors import AssistantError
from assistant.notes import Notes
from model_fixtures import Faults, Wire

EMBEDDING = "text-embedding-nomic-embed-text-v1.5"
QUESTION = "What do I do without internet?"
pytestmark = pytest.mark.lmstudio_models(EMBEDDING)


def notes_of(connection: Connection, folder: Path) -> Notes:
    """Return the notes of the assistant's folder."""
    return Notes(connection, EMBEDDING, folder / "notes", folder / "notes.json")


def test_nearest_paragraph(connection: Connection, folder: Path) -> None:
    """The paragraph about the question comes first, with its file."""
    first, second = notes_of(connection, folder).search(QUESTION, limit=2)
    assert first.file == "network.md"
    assert first.text.startswith("When the internet is down")
    assert 1 >= first.similarity > second.similarity


def test_index(connection: Connection, folder: Path, lmstudio_wire: Wire) -> None:
    """Each paragraph is embedded once: later searches embed the question and what is new."""
    notes_of(connection, folder).search(QUESTION)
    assert len(lmstudio_wire.sent("embedString")) == 3 + 1
    (folder / "notes" / "new.md").write_text("The lift is out of order.")
    (found,) = notes_of(connection, folder).search("Why does the lift not come?", limit=1)
    assert found.file == "new.md"
    assert len(lmstudio_wire.sent("embedString")) == 3 + 1 + 1 + 1


def test_connection_lost(
    connection: Connection, unreliable: Connection, lmstudio_faults: Faults, folder: Path
) -> None:
    """A search whose connection is lost is made again, with the same result."""
    lmstudio_faults.close("embedString", nth=2)
    found = notes_of(unreliable, folder).search(QUESTION)
    assert found == notes_of(connection, folder).search(QUESTION)


def test_silent_host(lmstudio_faults: Faults, folder: Path) -> None:
    """A host that says nothing more ends the search with one line, after the patience's time."""
    lmstudio_faults.stall("embedding.getOrLoad")
    with (
        Connection(lmstudio_faults.host, patience=0.5) as connection,
        pytest.raises(AssistantError, match=r"^LM Studio has said nothing for 0\.5 s: "),
    ):
        notes_of(connection, folder).search(QUESTION)
