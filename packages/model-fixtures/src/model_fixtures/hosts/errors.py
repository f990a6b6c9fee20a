"""What can go wrong with hosts. Every message is one line that says what to do."""

from __future__ import annotations

from model_fixtures.errors import ModelFixturesError


class HostError(ModelFixturesError):
    """A host is named wrongly, does not answer, or could not be started."""


class EmbeddedServerError(HostError):
    """The embedded server did not start.

    Args:
        message: one line.
        log: the end of what the server wrote, to be shown below the message; may be empty.
    """

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log
