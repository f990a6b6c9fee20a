"""The errors of an engine."""

from __future__ import annotations

from model_fixtures.server.errors import ExplainedError


class EngineError(ExplainedError):
    """llama.cpp refused a request or failed."""


class TooManyTokensError(EngineError):
    """A prompt or an input does not fit the context."""


class InvalidGrammarError(EngineError):
    """llama.cpp could not use the grammar of a request."""


class NoResultError(EngineError):
    """A generation ended and llama.cpp told neither its end nor an error."""

    def __init__(self) -> None:
        super().__init__("The generation ended without a result")


class LoadFailedError(EngineError):
    """The weights could not be loaded."""


class InstanceGoneError(EngineError):
    """The worker process ended while it was in use."""

    def __init__(self, message: str, *, unloaded: bool) -> None:
        super().__init__(message)
        self.unloaded = unloaded  # it was ended on purpose
