"""What can go wrong in an engine."""

from __future__ import annotations

from model_fixtures.errors import ModelFixturesError


class EngineError(ModelFixturesError):
    """llama.cpp refused or failed; the text is one line for the client."""


class LoadFailedError(EngineError):
    """The weights could not be loaded."""


class InstanceGoneError(EngineError):
    """The worker process ended while it was in use."""

    def __init__(self, message: str, *, unloaded: bool) -> None:
        super().__init__(message)
        self.unloaded = unloaded  # ended on purpose
