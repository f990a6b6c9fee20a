"""Split generated text at reasoning tags, across token boundaries and inside words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from model_fixtures.server.engine.generation import TokenProbability

from .token_queue import TokenQueue

ReasoningType = Literal["none", "reasoning", "reasoningStartTag", "reasoningEndTag"]


class Piece(Struct, frozen=True):
    """A stretch of text of one kind; `tokens` are those that ended in it."""

    content: str
    tokens: int
    kind: ReasoningType
    probabilities: list[TokenProbability] = []  # of the tokens that begin in it


class ReasoningSplitter:
    """Takes text in pieces and returns it cut exactly at the tags.

    Text that may begin a tag is held back until that is clear.
    """

    def __init__(self, start: str, end: str) -> None:
        self._tags = {False: start, True: end}
        self._inside = False
        self._held = ""
        self._tokens = 0
        self._queue = TokenQueue()

    def feed(
        self, text: str, tokens: int, probabilities: Sequence[TokenProbability] = ()
    ) -> list[Piece]:
        """Return the pieces that are certain after this text."""
        self._held += text
        self._tokens += tokens
        self._queue.add(text, probabilities)
        cuts: list[tuple[str, ReasoningType]] = []
        while True:
            tag = self._tags[self._inside]
            position = self._held.find(tag) if tag else -1
            if position < 0:
                break
            self._cut(cuts, position, self._plain)
            self._cut(cuts, len(tag), "reasoningEndTag" if self._inside else "reasoningStartTag")
            self._inside = not self._inside
        self._cut(cuts, len(self._held) - self._undecided(), self._plain)
        return self._pieces(cuts)

    def finish(self) -> list[Piece]:
        """Return what was held back and turned out to be no tag."""
        cuts: list[tuple[str, ReasoningType]] = []
        self._cut(cuts, len(self._held), self._plain)
        return self._pieces(cuts)

    @property
    def _plain(self) -> ReasoningType:
        return "reasoning" if self._inside else "none"

    def _undecided(self) -> int:
        """Return how many characters at the end may begin a tag."""
        tag = self._tags[self._inside]
        longest = min(len(tag) - 1, len(self._held))
        for length in range(longest, 0, -1):
            if tag.startswith(self._held[-length:]):
                return length
        return 0

    def _cut(self, cuts: list[tuple[str, ReasoningType]], length: int, kind: ReasoningType) -> None:
        if length > 0:
            cuts.append((self._held[:length], kind))
            self._held = self._held[length:]

    def _pieces(self, cuts: list[tuple[str, ReasoningType]]) -> list[Piece]:
        """Return the pieces; the last has all tokens, except the one that is still held back."""
        if not cuts:
            return []
        held = min(1, self._tokens) if self._held else 0
        counted, self._tokens = self._tokens - held, held
        last = len(cuts) - 1
        return [
            Piece(text, counted if number == last else 0, kind, self._queue.take(len(text)))
            for number, (text, kind) in enumerate(cuts)
        ]
