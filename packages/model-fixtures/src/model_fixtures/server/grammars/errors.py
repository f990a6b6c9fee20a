"""The errors of structured output."""

from __future__ import annotations

from model_fixtures.server.errors import ExplainedError


class StructureError(ExplainedError):
    """A request asks for a structure that the server can't hold a model to."""
