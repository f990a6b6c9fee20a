"""A limit on the work that the conversion of one request's schema may take."""

from __future__ import annotations

from .errors import ModelFixturesError

# A schema of 2,500 properties takes 8,000 steps; 50,000 take about a second.
MOST_STEPS = 50_000
TOOL_STEPS = 10_000  # for all tools of a request, which are converted several times
CHARACTERS = 100  # as many cost a step
TOO_MUCH = "it describes more than this server can turn into a grammar"


class TooLargeError(ModelFixturesError):
    """A schema or grammar is too large; the text says in which way."""


class Budget:
    """The steps that are left for a whole conversion."""

    def __init__(self, steps: int = MOST_STEPS) -> None:
        self._left = steps

    def spend(self, steps: int = 1, *, characters: int = 0) -> None:
        """Spend steps, and those that writing a text costs.

        Raises:
            TooLargeError: none are left.
        """
        self._left -= steps + characters // CHARACTERS
        if self._left < 0:
            raise TooLargeError(TOO_MUCH)
