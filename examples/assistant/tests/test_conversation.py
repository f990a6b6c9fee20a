"""Conversations: answers in pieces, a history in a file, and connections that break."""

from pathlib import Path

import pytest
from assistant.connection import Connection
from assistant.conversation import Conversation, Turn
from assistant.errors import AssistantError, ConnectionLost
from model_fixtures import Faults, Host, Server, Wire

CHAT = "llama-3.2-1b-instruct"
QUESTION = "What is the capital of France?"
pytestmark = pytest.mark.lmstudio_models(CHAT)


def conversation_in(folder: Path, connection: Connection) -> Conversation:
    """Return the conversation of a folder; its answers are short, since tests read only a few."""
    return Conversation(connection, CHAT, folder / "conversation.json", longest=30)


def test_answer_in_pieces(connection: Connection, tmp_path: Path) -> None:
    """An answer arrives in pieces, and the turn is kept once it is complete."""
    conversation = conversation_in(tmp_path, connection)
    pieces = []
    for piece in conversation.ask(QUESTION):
        assert conversation.turns == []
        pieces.append(piece)
    assert len(pieces) > 1
    assert conversation.turns == [Turn(QUESTION, "".join(pieces))]


def test_history_of_another_day(
    connection: Connection, tmp_path: Path, lmstudio_wire: Wire
) -> None:
    """A conversation that is opened again goes on: the model gets the earlier turns to read."""
    earlier = '[{"question": "Who is Ada?", "answer": "A cat of nine."}]'
    (tmp_path / "conversation.json").write_text(earlier)
    answer = "".join(conversation_in(tmp_path, connection).ask("How old is she?"))
    (request,) = lmstudio_wire.sent("predict")
    for text in ("Who is Ada?", "A cat of nine.", "How old is she?"):
        assert text in request.text
    (_, kept) = conversation_in(tmp_path, connection).turns
    assert kept == Turn("How old is she?", answer)


def test_connection_lost_before_the_answer(
    unreliable: Connection, lmstudio_faults: Faults, lmstudio_wire: Wire, tmp_path: Path
) -> None:
    """A connection that is lost before the first piece is opened again, and nobody notices."""
    lmstudio_faults.close("predict")
    conversation = conversation_in(tmp_path, unreliable)
    answer = "".join(conversation.ask(QUESTION))
    assert conversation.turns == [Turn(QUESTION, answer)]
    assert len(lmstudio_wire.sent("predict")) == 2


def test_connection_lost_in_the_middle(
    unreliable: Connection, lmstudio_faults: Faults, tmp_path: Path
) -> None:
    """Half an answer is not kept, and the same question can be asked again."""
    lmstudio_faults.close("predict", "fragment", nth=3)
    conversation = conversation_in(tmp_path, unreliable)
    with pytest.raises(ConnectionLost, match=r"^the connection to LM Studio was lost$"):
        list(conversation.ask(QUESTION))
    assert conversation.turns == []
    answer = "".join(conversation.ask(QUESTION))
    assert conversation.turns == [Turn(QUESTION, answer)]


def test_reader_who_leaves(connection: Connection, tmp_path: Path, lmstudio_wire: Wire) -> None:
    """An answer that nobody wants to the end is stopped by closing its connection."""
    conversation = conversation_in(tmp_path, connection)
    answer = conversation.ask(QUESTION)
    next(answer)
    answer.close()
    ends = [frame.namespace for frame in lmstudio_wire.frames if frame.direction == "closed"]
    assert "llm" in ends
    assert conversation.turns == []
    assert "".join(conversation.ask(QUESTION))


def test_restart_of_the_host(lmstudio_server: Server, lmstudio_host: Host, tmp_path: Path) -> None:
    """A crash of LM Studio is told in one line, and the conversation goes on when it is back."""
    with Connection(lmstudio_host) as connection:
        conversation = conversation_in(tmp_path, connection)
        list(conversation.ask(QUESTION))
        lmstudio_server.kill()
        with pytest.raises(AssistantError, match=f"^no LM Studio answers at {lmstudio_host}: "):
            list(conversation.ask("And of Italy?"))
        lmstudio_server.restart()
        lmstudio_server.load(CHAT)
        list(conversation.ask("And of Italy?"))
    assert [turn.question for turn in conversation.turns] == [QUESTION, "And of Italy?"]
