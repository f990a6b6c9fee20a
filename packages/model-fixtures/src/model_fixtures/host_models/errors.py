"""The one error of this package, and the commands that its texts name."""

from __future__ import annotations

from model_fixtures.errors import ModelFixturesError

LOAD_COMMAND = "hatch run models:load"
DOWNLOAD_COMMAND = "hatch run models:download"


class LoaderError(ModelFixturesError):
    """Models could not be downloaded or loaded. One line that says what to do."""
