"""Presets: named settings in files, as the app keeps them.

`config-presets/NAME.preset.json` holds `{"identifier": "@local:name", "name": "Name",
"operation": {"fields": [{"key", "value"}]}}`; `operation` applies to predictions.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from model_fixtures.regular_files import UnfitFileError, read_regular

from .protocol.errors import PresetNotFoundError
from .protocol.kv_config import Config, Settings

LOCAL = "@local:"
MOST_BYTES = 2**20  # of a preset; those of the app have a few thousand
logger = logging.getLogger("model_fixtures.server")


class Preset(Struct):
    """One preset file."""

    identifier: str
    name: str
    operation: Config


class Presets:
    """The presets in a folder, read anew for each request, so that files can come and go.

    The server reads them in a thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told: dict[str, str] = {}  # why files are left out, by their names
        self._looking = threading.Lock()

    def all(self) -> Sequence[Preset]:
        """Return the presets in the order of their file names.

        Broken files are logged and left out.
        """
        presets: list[Preset] = []
        problems: dict[str, str] = {}
        for file in sorted(self._folder.glob("*.json")):
            try:
                content = read_regular(file, MOST_BYTES)
                presets.append(msgspec.json.decode(content, type=Preset))
            except UnfitFileError as error:
                problems[file.name] = f"it {error.strerror}"
            except OSError as error:
                problems[file.name] = f"it cannot be read ({error.strerror})"
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                problems[file.name] = str(error)
        with self._looking:
            news = problems.items() - self._told.items()
            self._told = problems
        for name, problem in sorted(news):
            # Once, not at each request. A name may hold a line break.
            logger.warning("preset %r is left out: %s", name, problem)
        return presets

    def settings(self, wanted: str) -> Settings:
        """Return the prediction settings of the preset that a name means.

        The identifier counts first, then the name, both also without regard to case and without
        `@local:`, and last a part of the name that no other preset has.

        Raises:
            ServerError: none fits, or several do.
        """
        presets = self.all()
        word = _plain(wanted)
        for candidates in (
            [preset for preset in presets if wanted in (preset.identifier, preset.name)],
            [p for p in presets if word in (_plain(p.identifier), _plain(p.name))],
            [p for p in presets if word and word in _plain(p.name)],
        ):
            if len(candidates) == 1:
                return Settings.from_config(candidates[0].operation)
        sample = [{"identifier": preset.identifier, "name": preset.name} for preset in presets]
        raise PresetNotFoundError(wanted, sample)


def _plain(text: str) -> str:
    return " ".join(text.removeprefix(LOCAL).replace("-", " ").replace("_", " ").lower().split())
