"""The one error of this package."""

from __future__ import annotations

from model_fixtures.errors import ModelFixturesError


class CatalogError(ModelFixturesError):
    """The user's settings for the catalog are wrong. One line: the file, the key, what to do."""
