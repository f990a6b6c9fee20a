"""Splits generated text at reasoning tags, across token boundaries and inside words."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

ReasoningType = Literal["none", "reasoning", "reasoningStartTag", "reasoningEndTag"]


class Piece(Struct, frozen=True):
    """A stretch of text of one kind; `tokens` are those that ended in it."""

    content: str
    tokens: int
    kind: ReasoningType


class ReasoningSplitter:
    """Feeds on text in pieces and gives it back cut exactly at the tags.

    Text that may be the beginning of a tag is held back until that is decided.
    """

    def __init__(self, start: str, end: str) -> None:
        self._tags = {False: start, True: end}
        self._inside = False
        self._held = ""
        self._tokens = 0

    def feed(self, text: str, tokens: int) -> list[Piece]:
        """The pieces that are certain after this text."""
        self._held += text
        self._tokens += tokens
        pieces: list[Piece] = []
        while True:
            tag = self._tags[self._inside]
            position = self._held.find(tag) if tag else -1
            if position < 0:
                break
            self._cut(pieces, position, self._plain)
            kind: ReasoningType = "reasoningEndTag" if self._inside else "reasoningStartTag"
            self._cut(pieces, len(tag), kind)
            self._inside = not self._inside
        self._cut(pieces, len(self._held) - self._open(), self._plain)
        return pieces

    def finish(self) -> list[Piece]:
        """What was held back and turned out to be no tag."""
        pieces: list[Piece] = []
        self._cut(pieces, len(self._held), self._plain)
        return pieces

    @property
    def _plain(self) -> ReasoningType:
        return "reasoning" if self._inside else "none"

    def _open(self) -> int:
        """How many characters at the end may begin a tag."""
        tag = self._tags[self._inside]
        longest = min(len(tag) - 1, len(self._held))
        for length in range(longest, 0, -1):
            if tag.startswith(self._held[-length:]):
                return length
        return 0

    def _cut(self, pieces: list[Piece], length: int, kind: ReasoningType) -> None:
        if length <= 0:
            return
        content, self._held = self._held[:length], self._held[length:]
        # All tokens but those still held back count for the piece.
        tokens, self._tokens = (
            (self._tokens, 0)
            if not self._held
            else (min(1, self._tokens), max(0, self._tokens - 1))
        )
        pieces.append(Piece(content, tokens, kind))
