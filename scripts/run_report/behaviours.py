"""The tests of one or several runs as behaviours of the SDK.

A behaviour is a test function: its parameters and both APIs are cases of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from model_fixtures.run_results import BAD, Outcome, Run, Test, worst

from .parts import OTHER, PARTS, in_words, part_of, stem_and_api


@dataclass(frozen=True)
class Cell:
    """What became of a behaviour, a file or a part in one run."""

    counts: Counter[Outcome]
    seconds: float

    @property
    def total(self) -> int:
        """How many tests there were."""
        return sum(self.counts.values())

    @property
    def outcome(self) -> Outcome | None:
        """The worst outcome; None if no test ran."""
        return worst(self.counts) if self.counts else None

    @property
    def number(self) -> int:
        """How many tests had the worst outcome."""
        return 0 if self.outcome is None else self.counts[self.outcome]


@dataclass
class Behaviour:
    """What a test function says about the SDK; `cases` has a dict of tests for each run."""

    name: str
    text: str
    cases: list[dict[str, Test]]

    @property
    def cells(self) -> list[Cell]:
        """What became of it in each run."""
        return [cell_of(tests.values()) for tests in self.cases]

    @property
    def is_plain(self) -> bool:
        """Whether all its tests passed in each run, so that there is no more to say."""
        return all(test.outcome == "passed" for tests in self.cases for test in tests.values())

    @property
    def bugs(self) -> list[tuple[str, str]]:
        """The known bugs that its tests describe, with the releases."""
        tests = (test for tests in self.cases for test in tests.values())
        return list(dict.fromkeys(bug for test in tests for bug in test.known_bugs))

    def remarkable(self) -> Iterator[tuple[str, list[Test | None]]]:
        """Yield the cases that did not pass in each run, with their test in each run."""
        for case in dict.fromkeys(case for tests in self.cases for case in tests):
            row = [tests.get(case) for tests in self.cases]
            if any(test is None or test.outcome != "passed" for test in row):
                yield case, row


@dataclass
class FileOfTests:
    """The behaviours that one file describes, or two that are twins."""

    title: str
    text: str
    behaviours: dict[str, Behaviour] = field(default_factory=dict)


@dataclass
class Part:
    """A part of the SDK."""

    title: str
    text: str
    files: dict[str, FileOfTests]
    cells: list[Cell]


@dataclass(frozen=True)
class KnownBug:
    """A bug that tests describe; `outcomes` are those of its tests in each run."""

    reason: str
    releases: str
    tests: list[str]
    outcomes: list[Counter[Outcome]]


def parts_of(runs: Sequence[Run]) -> list[Part]:
    """Return the parts of the SDK of which the runs have tests, in the order of the page."""
    files: dict[str, dict[str, FileOfTests]] = {title: {} for title in PARTS}
    ran: dict[str, list[list[Test]]] = {title: [[] for _ in runs] for title in PARTS}
    for number, run in enumerate(runs):
        for test in run.tests:
            path, function, case = split_id(test.id)
            part = part_of(path)
            ran[part][number].append(test)
            stem, api = stem_and_api(path)
            # Files of the same name in other packages are other files.
            key = f"{path.partition('/tests/')[0]}/{stem}" if part == OTHER else stem
            file = files[part].setdefault(key, FileOfTests(in_words(stem), test.file_doc))
            name = function or stem
            if name not in file.behaviours:
                text = test.doc or in_words(name.rpartition("::")[2])
                file.behaviours[name] = Behaviour(name, text, [{} for _ in runs])
            case = ", ".join(filter(None, (api, case)))
            file.behaviours[name].cases[number][case] = test
    return [
        Part(title, text, _sorted(files[title], stems), [cell_of(tests) for tests in ran[title]])
        for title, (text, stems) in PARTS.items()
        if files[title]
    ]


def _sorted(files: dict[str, FileOfTests], stems: Sequence[str]) -> dict[str, FileOfTests]:
    """Return files in the order of a part's table; those that it does not name follow."""
    place = {stem: number for number, stem in enumerate(stems)}
    order = sorted(files, key=lambda stem: (place.get(stem, len(place)), stem))
    return {stem: files[stem] for stem in order}


def known_bugs(runs: Sequence[Run]) -> list[KnownBug]:
    """Return the bugs that the tests of the runs describe, those that were seen first."""
    found: dict[tuple[str, str], KnownBug] = {}
    for number, run in enumerate(runs):
        for test in run.tests:
            for bug in test.known_bugs:
                entry = found.setdefault(bug, KnownBug(*bug, [], [Counter() for _ in runs]))
                entry.outcomes[number][test.outcome] += 1
                if (name := short_id(test.id)) not in entry.tests:
                    entry.tests.append(name)
    return sorted(found.values(), key=lambda bug: not any(c["xfailed"] for c in bug.outcomes))


def failures(run: Run) -> list[Test]:
    """Return the tests of a run that failed."""
    return sorted((test for test in run.tests if test.outcome in BAD), key=lambda test: test.id)


def skip_reasons(run: Run) -> list[tuple[str, int]]:
    """Return why tests were skipped, and how many for each reason, the most frequent first."""
    skipped = (test.reason or "no reason given" for test in run.tests if test.outcome == "skipped")
    return Counter(skipped).most_common()


def cell_of(tests: Iterable[Test]) -> Cell:
    """Return what became of tests."""
    tests = list(tests)
    counts = Counter(test.outcome for test in tests)
    return Cell(counts, sum(test.seconds for test in tests))


def split_id(test: str) -> tuple[str, str, str]:
    """Return file, classes and function, and parameters of a node id."""
    path, _, rest = test.partition("::")
    function, bracket, case = rest.partition("[")
    return path, function, case.removesuffix("]") if bracket else ""


def short_id(test: str) -> str:
    """Return file and function of a node id, as docs/findings.md names tests."""
    path, function, _ = split_id(test)
    return f"{path.rpartition('/')[2]}::{function}" if function else path
