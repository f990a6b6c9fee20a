"""The base class of all errors that this package raises."""

from __future__ import annotations


class ModelFixturesError(Exception):
    """The base of all errors; the message is one line that says what the user can do."""
