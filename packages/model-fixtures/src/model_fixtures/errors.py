"""The base class of all errors of this package."""

from __future__ import annotations


class ModelFixturesError(Exception):
    """Something that the caller can mend; the message is one line that says how."""
