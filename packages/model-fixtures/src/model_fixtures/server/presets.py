"""Presets: named settings in files, as the app keeps them.

`config-presets/NAME.preset.json` holds `{"identifier": "@local:name", "name": "Name",
"operation": {"fields": [{"key", "value"}]}}`; `operation` applies to predictions.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from .protocol.errors import preset_not_found
from .protocol.kv_config import Config, Layer, Settings, Stack

LOCAL = "@local:"
logger = logging.getLogger("model_fixtures.server")


class Preset(Struct):
    """One preset file."""

    identifier: str
    name: str
    operation: Config


class Presets:
    """The presets in a folder, read anew for each request, so that files can come and go."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> Sequence[Preset]:
        """The presets in the order of their file names; broken files are logged and left out."""
        presets: list[Preset] = []
        for file in sorted(self._folder.glob("*.json")):
            try:
                presets.append(msgspec.json.decode(file.read_bytes(), type=Preset))
            except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
                logger.warning("preset %s is left out: %s", file.name, error)
        return presets

    def settings(self, wanted: str) -> Settings:
        """The prediction settings of the preset that a name means.

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
                layer = Layer("preset", candidates[0].operation)
                return Settings.from_stack(Stack([layer]))
        sample = [{"identifier": preset.identifier, "name": preset.name} for preset in presets]
        raise preset_not_found(wanted, sample)


def _plain(text: str) -> str:
    return " ".join(text.removeprefix(LOCAL).replace("-", " ").replace("_", " ").lower().split())
