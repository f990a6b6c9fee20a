"""Presets as the app writes them, for embedded servers that the suite starts."""

import json
from pathlib import Path


def write_presets(home: Path) -> None:
    """Write two presets into the home folder of a server: "Short Answers" and "Quite Hot"."""
    folder = home / "config-presets"
    folder.mkdir()
    short = {"maxPredictedTokens": {"checked": True, "value": 3}, "temperature": 0.25}
    _write(folder, "@local:short-answers", "Short Answers", short)
    _write(folder, "@local:hot", "Quite Hot", {"temperature": 1.5})


def _write(folder: Path, identifier: str, name: str, settings: dict[str, object]) -> None:
    fields = [{"key": f"llm.prediction.{key}", "value": value} for key, value in settings.items()]
    preset = {"identifier": identifier, "name": name, "operation": {"fields": fields}}
    file = folder / f"{identifier.rpartition(':')[2]}.preset.json"
    file.write_text(json.dumps(preset), encoding="utf-8")
