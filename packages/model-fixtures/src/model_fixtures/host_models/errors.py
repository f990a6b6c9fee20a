"""The error about models on hosts, and the commands that its messages name."""

from __future__ import annotations

from model_fixtures.errors import ModelFixturesError

LOAD_COMMAND = "model-fixtures load"
DOWNLOAD_COMMAND = "model-fixtures download"


class HostModelError(ModelFixturesError):
    """Models could not be downloaded or loaded, or a host described them in an unknown form."""
