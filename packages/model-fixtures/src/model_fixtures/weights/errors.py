"""The error about weights."""

from __future__ import annotations

from model_fixtures.errors import ModelFixturesError


class WeightsError(ModelFixturesError):
    """Weights could not be fetched, made or stored; the message names the file."""
