"""Files that clients upload, and presets of the server that they use."""

from __future__ import annotations

import json
from pathlib import Path

import PIL.Image
import PIL.ImageDraw

from ..one_page_pdf import one_page_pdf  # noqa: TID252 (tests are no importable package)

_COLOURS = {"red": (220, 30, 30), "blue": (40, 70, 210)}
_PDF_TEXT = "Penguins live in the south."


def write_client_files(folder: Path) -> None:
    """Write two images of a circle, a text of 54 bytes and a PDF."""
    for colour, value in _COLOURS.items():
        image = PIL.Image.new("RGB", (300, 200), "white")
        PIL.ImageDraw.Draw(image).ellipse((90, 40, 210, 160), fill=value)
        image.save(folder / f"{colour}.png")
    text = "Share prices fell sharply on the stock exchange today."
    (folder / "money.txt").write_text(text, encoding="utf-8")
    (folder / "report.pdf").write_bytes(one_page_pdf(_PDF_TEXT))


def write_presets(home: Path) -> None:
    """Write the preset "Short Answers", of at most three tokens, into a server's home folder."""
    fields = [
        {"key": "llm.prediction.maxPredictedTokens", "value": {"checked": True, "value": 3}},
        {"key": "llm.prediction.temperature", "value": 0},
    ]
    preset = {
        "identifier": "@local:short-answers",
        "name": "Short Answers",
        "operation": {"fields": fields},
    }
    folder = home / "config-presets"
    folder.mkdir()
    (folder / "short-answers.preset.json").write_text(json.dumps(preset), encoding="utf-8")
