"""A bound on what the conversion of one request's schema may cost, however it is written."""

from __future__ import annotations

from .errors import ModelFixturesError

# A schema of 2,500 properties takes 8,000 steps; 50,000 take about a second.
MOST_STEPS = 50_000
TOOL_STEPS = 10_000  # of all tools of a request, which are written several times
CHARACTERS = 100  # that cost as much as a step
TOO_MUCH = "it describes more than this server can turn into a grammar"


class TooLargeError(ModelFixturesError):
    """A schema or grammar is too large; the text says in which way."""


class Budget:
    """Steps that are left to a conversion as a whole."""

    def __init__(self, steps: int = MOST_STEPS) -> None:
        self._left = steps

    def spend(self, steps: int = 1, *, characters: int = 0) -> None:
        """Take steps, and those that go into a text.

        Raises:
            TooLargeError: none are left.
        """
        self._left -= steps + characters // CHARACTERS
        if self._left < 0:
            raise TooLargeError(TOO_MUCH)
