"""Files that clients upload, and presets of the server that they use."""

from __future__ import annotations

import json
from pathlib import Path

import PIL.Image
import PIL.ImageDraw

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
    (folder / "report.pdf").write_bytes(_pdf(_PDF_TEXT))


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


def _pdf(text: str) -> bytes:
    """Return a PDF of one page with one line of text."""
    stream = f"BT /F1 24 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    document, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(document)
    return document + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer
