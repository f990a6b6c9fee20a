"""Tokens with probabilities follow their text through the splitters that cut it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from model_fixtures.server.engine.generation import TokenProbability


class _Placed(Struct):
    """A token and where in the text it is."""

    token: TokenProbability
    begin: int
    end: int


class TokenQueue:
    """The tokens of a text that is taken from its start, stretch by stretch.

    A token goes with the first stretch that shows a character of it, so none is lost or doubled
    where a stretch ends inside of it.
    """

    def __init__(self) -> None:
        self._queue: deque[_Placed] = deque()
        self._length = 0  # of the text in the queue

    def add(self, text: str, tokens: Sequence[TokenProbability]) -> None:
        """Append a text and its tokens; the last one ends where the text does."""
        begin = self._length
        self._length += len(text)
        for number, token in enumerate(tokens, 1):
            end = begin + len(token.text)
            if number == len(tokens) or end > self._length:
                end = self._length
            self._queue.append(_Placed(token, begin, end))
            begin = end

    def take(self, length: int) -> list[TokenProbability]:
        """Remove characters from the start and return the tokens that begin in them."""
        taken: list[TokenProbability] = []
        while self._queue and self._queue[0].begin < length:
            taken.append(self._queue.popleft().token)
        self._shorten(length)
        return taken

    def drop(self, length: int) -> None:
        """Remove characters from the start, and the tokens that end in them."""
        while self._queue and self._queue[0].begin < length and self._queue[0].end <= length:
            self._queue.popleft()
        self._shorten(length)

    def _shorten(self, length: int) -> None:
        self._length -= length
        for placed in self._queue:
            placed.begin = max(0, placed.begin - length)
            placed.end = max(0, placed.end - length)
