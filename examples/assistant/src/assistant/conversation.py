"""A conversation that goes on where it stopped, also days later."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import lmstudio as lms
import msgspec

from .connection import Connection
from .errors import AssistantError, ConnectionLost
from .whole_files import write_whole

INSTRUCTIONS = "You are a helpful assistant. Answer in one or two short sentences."
REMEMBERED = 10  # turns that the model gets to read: older ones would fill its context


class Turn(msgspec.Struct, frozen=True):
    """A question and its whole answer."""

    question: str
    answer: str


class Conversation:
    """A conversation with a model, whose turns are kept in a file.

    Args:
        connection: the connection to LM Studio.
        model: the key of the model that answers.
        file: the file with the turns so far; it is made with the first one.
        longest: the longest answer in tokens.

    Raises:
        AssistantError: the file cannot be read.
    """

    def __init__(self, connection: Connection, model: str, file: Path, longest: int = 300) -> None:
        self._connection = connection
        self._model = model
        self._file = file
        self._longest = longest
        self.turns = _read(file)

    def ask(self, question: str) -> Generator[str, None, None]:
        """Yield the answer piece by piece; the turn is kept once the answer is complete.

        Whoever does not want all of it closes the generator, and LM Studio stops.

        Raises:
            ConnectionLost: the connection broke in the middle. Nothing is kept, so that the same
                question can be asked again.
            AssistantError: LM Studio cannot answer.
        """
        pieces: list[str] = []
        try:
            yield from self._stream(question, pieces)
        except ConnectionLost:
            if pieces:  # the reader has seen them, and a second answer would begin otherwise
                raise
            yield from self._stream(question, pieces)
        self.turns.append(Turn(question, "".join(pieces)))
        write_whole(self._file, msgspec.json.encode(self.turns))

    def _stream(self, question: str, pieces: list[str]) -> Iterator[str]:
        with self._connection.client() as client:
            model = client.llm.model(self._model)
            config: lms.LlmPredictionConfigDict = {"temperature": 0, "maxTokens": self._longest}
            for fragment in model.respond_stream(self._prompt(question), config=config):
                pieces.append(fragment.content)
                yield fragment.content

    def _prompt(self, question: str) -> lms.Chat:
        chat = lms.Chat(INSTRUCTIONS)
        for turn in self.turns[-REMEMBERED:]:
            chat.add_user_message(turn.question)
            chat.add_assistant_response(turn.answer)
        chat.add_user_message(question)
        return chat


def _read(file: Path) -> list[Turn]:
    if not file.exists():
        return []
    try:
        return msgspec.json.decode(file.read_bytes(), type=list[Turn])
    except (OSError, msgspec.DecodeError) as error:
        raise AssistantError(f"the conversation in {file} cannot be read: {error}") from None
