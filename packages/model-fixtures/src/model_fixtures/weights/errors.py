"""The one error of this package."""

from __future__ import annotations

from model_fixtures.errors import ModelFixturesError


class WeightsError(ModelFixturesError):
    """Weights could not be had. The message is one line: the file, what is wrong, what to do."""
