"""Errors that explain themselves, whichever part of the server raises them."""

from __future__ import annotations

from model_fixtures.errors import ModelFixturesError


class ExplainedError(ModelFixturesError):
    """An error whose parts are meant for the client.

    Args:
        title: the main text, one line.
        cause: an extra line that says why.
        suggestion: an extra line that says what the user can do.
    """

    def __init__(
        self, title: str, *, cause: str | None = None, suggestion: str | None = None
    ) -> None:
        super().__init__(title)
        self.title = title
        self.cause = cause
        self.suggestion = suggestion
