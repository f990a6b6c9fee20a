"""Errors about hosts."""

from __future__ import annotations

from model_fixtures.errors import ModelFixturesError


class HostError(ModelFixturesError):
    """A host has a malformed name, does not answer, or could not be started."""


class EmbeddedServerError(HostError):
    """The embedded server did not start.

    Args:
        message: one line.
        log: the last lines of the server's log, to be shown below the message; may be empty.
    """

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log
