"""Take the documentation's pictures of a terminal and of the report.

A small test fails on a server of its own: `docs/images/failing-test.svg` is what pytest prints, and
`docs/images/report.png` the page that is made of the run, in a headless Chromium. Look at both
before you commit them.
"""

from __future__ import annotations

import base64
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

SCRIPTS = Path(__file__).resolve().parent.parent
PICTURES = SCRIPTS.parent / "docs" / "images"
COLUMNS = 80
MOST_BYTES = 150_000  # of a picture: they are in the repository for ever
OF_THIS_MACHINE = re.compile(r"(platform|plugins:|rootdir:|asyncio:|lmstudio: results) ")
TEST = '''def names(client):
    """An app's list of models."""
    return [model.model_key.upper() for model in client.list_downloaded_models()]


def test_names(lmstudio_client):
    """The app shows the names of the downloaded models as they are."""
    assert "llama-3.2-1b-instruct" in names(lmstudio_client)
'''


def main() -> int:
    """Take the pictures; return 0."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_names.py").write_text(TEST, encoding="utf-8")
        printed = run_pytest(folder)
        (PICTURES / "failing-test.svg").write_text(drawn(printed), encoding="utf-8")
        results = folder / "run.json"
        results.write_text(
            results.read_text(encoding="utf-8").replace(sys.prefix, "/home/you/app/.venv"),
            encoding="utf-8",
        )
        page = folder / "report.html"
        subprocess.run(
            [sys.executable, SCRIPTS / "write_report.py", results, "--out", page],
            check=True,
        )
        (PICTURES / "report.png").write_bytes(photographed(page, folder / "browser"))
    for picture in PICTURES.iterdir():
        assert picture.stat().st_size <= MOST_BYTES, f"{picture} is too large"
    return 0


def run_pytest(folder: Path) -> str:
    """Run the tests of a folder, which fail, and return what is printed, with colours."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--color=yes", "-p", "no:randomly"),
            *("-p", "no:cacheprovider", "-W", "ignore", "--lmstudio-results=run.json"),
        ],
        cwd=folder,
        env={**os.environ, "LMSTUDIO_API_HOST": "embedded", "COLUMNS": str(COLUMNS)},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 1, done.stdout
    return done.stdout


def drawn(printed: str) -> str:
    """Return an SVG of a terminal; it loads no font."""
    lines = [line for line in printed.splitlines() if not OF_THIS_MACHINE.match(line)]
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in lines:
        text = Text.from_ansi(line)
        text.truncate(COLUMNS, overflow="ellipsis")
        console.print(text, soft_wrap=True)
    svg = console.export_svg(title="pytest")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


def photographed(page: Path, folder: Path) -> bytes:
    """Return a PNG of the top of a page."""
    sys.path.insert(0, str(SCRIPTS))
    from tests.browser import Browser

    folder.mkdir()
    with Browser(folder) as browser:
        browser.open(page, width=900, scheme="light")
        shot = browser.command("Page.captureScreenshot", format="png")
    image = Image.open(io.BytesIO(base64.b64decode(shot["data"])))
    small = io.BytesIO()
    image.convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(small, "PNG", optimize=True)
    return small.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())
