"""The page: one HTML file without anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup
from model_fixtures.run_results import Run, Test

from . import charts, words
from .behaviours import (
    Cell,
    cell_of,
    failures,
    known_bugs,
    parts_of,
    short_id,
    skip_reasons,
    split_id,
)
from .differences import differences
from .measures import Coverage, Mutation

FOLDER = Path(__file__).resolve().parent
# A page must open although everything fails: the rest of these is in the JSON file.
MOST_IN_FULL = 100  # failures of a run with traceback and logs
MOST_CHARACTERS = 60_000  # of a traceback or a section
MOST_LISTED = 300  # tests in a list of differences


@dataclass(frozen=True)
class RunView:
    """A run, and what the page says about it; the letter stands for it in lists."""

    letter: str
    number: int
    run: Run
    cell: Cell
    failures: list[Test]
    skip_reasons: list[tuple[str, int]]

    @property
    def short_host(self) -> str:
        """The host without the reason why it was chosen."""
        return self.run.host.partition(" (")[0]


def render(
    runs: Sequence[Run],
    *,
    title: str = "LM Studio Python SDK: test report",
    coverage: Coverage | None = None,
    mutation: Mutation | None = None,
    matrix: Collection[str] = (),
) -> str:
    """Return the page about these runs; the second and later ones are compared with the first.

    `matrix` has the releases that `hatch run +sdk=RELEASE test:all` knows.
    """
    views = [
        RunView(letter(number), number, run, cell_of(run.tests), failures(run), skip_reasons(run))
        for number, run in enumerate(runs)
    ]
    parts = parts_of(runs)
    script = (FOLDER / "page.js").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": words.duration,
        "with_code": words.with_code,
        "last_line": words.last_line,
        "short_id": short_id,
        "short_id_with_case": _short_id_with_case,
        "cut": lambda text: words.cut(text, MOST_CHARACTERS),
    }
    return environment.get_template("page.html").render(
        title=title,
        runs=views,
        parts=parts,
        bugs=known_bugs(runs),
        comparisons=[differences(runs[0], run) for run in runs[1:]],
        letter_of={id(view.run): view.letter for view in views},
        charts=charts,
        time_rows=charts.times_of_tests(runs),
        part_rows=charts.times_of_parts(parts),
        coverage=coverage,
        mutation=mutation,
        matrix=matrix,
        symbols=words.SYMBOLS,
        names=words.WORDS,
        most_in_full=MOST_IN_FULL,
        most_listed=MOST_LISTED,
        # These two are our own files, and may not be escaped.
        style=Markup((FOLDER / "page.css").read_text(encoding="utf-8")),  # noqa: S704
        script=Markup(script),  # noqa: S704
        # Only this script may run, whatever a test's name may bring along.
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def letter(number: int) -> str:
    """Return the letter of a run: A, B, ... Z, A1, B1, ..."""
    more = number // 26
    return chr(ord("A") + number % 26) + (str(more) if more else "")


def _short_id_with_case(test: str) -> str:
    case = split_id(test)[2]
    return f"{short_id(test)}[{case}]" if case else short_id(test)
