"""The error about the catalog's settings."""

from __future__ import annotations

from model_fixtures.errors import ModelFixturesError


class CatalogError(ModelFixturesError):
    """The user's settings for the catalog are wrong; the message names the file and the key."""
