"""The errors of what tests of applications use."""

from __future__ import annotations

from model_fixtures.errors import ModelFixturesError


class FaultError(ModelFixturesError):
    """A fault names what does not exist, or has not happened."""


class ServerOptionsError(ModelFixturesError):
    """An option of the test server makes no sense."""


class ModelNameError(ModelFixturesError):
    """No test model has this key."""
