"""Releases of the past: which tests they skip, and the record of the bugs that they have."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import findings_by_release
import list_findings
import pytest
import run_history
from findings_by_release import as_markdown, as_text, load_record, with_section
from junit_results import TestResult
from list_findings import Finding
from packaging.version import Version
from sdk_tests.bug_timeline import BugTimeline
from suite_command import matrix_of

pytest_plugins = ["pytester"]

CONFTEST = """
from sdk_tests.since_hooks import *
"""
TEST = """
import lmstudio
import pytest
from sdk_tests.sdk_releases import since

@since("1.4.0")
def test_word() -> None:
    assert lmstudio.__version__ >= "1.4.0"

@pytest.mark.parametrize("word", ["old", pytest.param("new", marks=since("1.3.1"))])
def test_words(word: str) -> None: pass
"""
FILE = """
from lmstudio import ADDED_LATER
from sdk_tests.sdk_releases import since

pytestmark = [since("1.5.0")]

def test_all() -> None: pass
"""
PACKAGES = ("lmstudio", "sdk_tests")  # what a run imports anew
Run = Callable[[str], tuple[dict[str, int], set[str]]]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Provide a function that runs the tests on an SDK that says which version it is."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makeini("[pytest]\naddopts = -rs --strict-markers\nmarkers = since(release): x")
    tests = pytester.mkdir("tests")
    (tests / "conftest.py").write_text(CONFTEST)
    (tests / "test_words.py").write_text(TEST)
    (tests / "test_file.py").write_text(FILE)

    def run_on(version: str) -> tuple[dict[str, int], set[str]]:
        folder = pytester.mkdir(version)
        added = "" if version < "1.5" else "ADDED_LATER = 1\n"
        (folder / "lmstudio.py").write_text(f"__version__ = {version!r}\n{added}")
        with monkeypatch.context() as patch:
            patch.syspath_prepend(str(folder))
            for name in [name for name in sys.modules if name.split(".")[0] in PACKAGES]:
                patch.delitem(sys.modules, name)
            result = pytester.runpytest_inprocess("tests")
        reasons = set(re.findall(r"needs [\d.]+", result.stdout.str()))
        return result.parseoutcomes(), reasons

    return run_on


@pytest.mark.parametrize(
    ("version", "outcomes", "reasons"),
    [
        ("1.3.0", {"passed": 1, "skipped": 3}, {"needs 1.3.1", "needs 1.4.0", "needs 1.5.0"}),
        ("1.4.0", {"passed": 3, "skipped": 1}, {"needs 1.5.0"}),
        ("1.7.0", {"passed": 4}, set()),
    ],
)
def test_old_releases_skip_newer_tests(
    run: Run, version: str, outcomes: dict[str, int], reasons: set[str]
) -> None:
    """A release skips tests, cases and files that need a later one, and imports no such file."""
    assert run(version) == (outcomes, reasons)


def test_every_release_of_the_suite_is_in_the_history() -> None:
    """The matrix of the history goes on to the releases of the suite."""
    assert matrix_of("history")[-len(matrix_of("test")) :] == matrix_of("test")


FOUND = [
    Finding("Fixed", "Words are lost", "`a`", BugTimeline(), ("test_a.py::test_x",)),
    Finding("A host", "It hangs", "`b`", BugTimeline(), ("test_b.py::test_y", "test_b.py::test_z")),
]


def result(test: str, outcome: str) -> TestResult:
    """Return a test's result."""
    return TestResult(f"packages/sdk-tests/tests/async/{test}", outcome, 0.1)


def test_runs_are_noted(tmp_path: Path) -> None:
    """A run adds what it tells: expected failures and passes of known bugs, and nothing else."""
    path = tmp_path / "record.json"
    bugs = {test for finding in FOUND for test in finding.tests}
    run_history.note("1.4.0", [result("test_a.py::test_x", "passed")], bugs, path)
    later = [
        result("test_a.py::test_x[one]", "passed"),
        result("test_a.py::test_x[two]", "xfailed"),
        result("test_b.py::test_y", "skipped"),
        result("test_b.py::test_z", "failed"),
        result("test_c.py::test_no_bug", "passed"),
    ]
    run_history.note("1.3.0", later, bugs, path)
    assert list(load_record(path)) == ["1.3.0", "1.4.0"]
    assert load_record(path) == {
        "1.3.0": {"test_a.py::test_x": True},
        "1.4.0": {"test_a.py::test_x": False},
    }


def test_tables() -> None:
    """The tables say which release has which finding, and what nobody has looked for."""
    record = {"1.3.0": {"test_a.py::test_x": True}, "1.4.0": {"test_a.py::test_x": False}}
    assert as_text(FOUND, record) == (
        "  1.3.0    1.4.0  finding\n    bug        -  Words are lost\n      ?        ?  It hangs"
    )
    assert json.loads(findings_by_release.as_json(FOUND, record))["findings"][0] == {
        "what": "Words are lost",
        "tests": ["test_a.py::test_x"],
        "releases": {"1.3.0": True, "1.4.0": False},
    }
    markdown = as_markdown(FOUND, record).splitlines()
    assert "| 1.3.0 | 1 | 0 | 1 |" in markdown
    assert "| Words are lost | bug | - |" in markdown
    assert not any("It hangs" in line for line in markdown)


def test_the_page_has_the_record() -> None:
    """docs/findings.md says what the record says."""
    page = list_findings.PAGE.read_text(encoding="utf-8")
    found = list(list_findings.findings(page))
    section = as_markdown(found, load_record(findings_by_release.RECORD))
    assert with_section(page, section) == page, "run `hatch run findings:history --write`"


def test_a_page_without_its_comments() -> None:
    """A page without the place for the table is refused with what is missing."""
    with pytest.raises(ValueError, match="the page must have these lines once: <!-- Written by"):
        with_section("# Findings\n", "")


def test_the_record_fits_the_marks() -> None:
    """No run has seen a bug that is no finding, or in a release that has it fixed by its mark."""
    page = list_findings.PAGE.read_text(encoding="utf-8")
    timelines = {
        test: finding.timeline for finding in list_findings.findings(page) for test in finding.tests
    }
    for release, seen in load_record(findings_by_release.RECORD).items():
        assert set(seen) <= set(timelines), f"{release} has tests that no finding names"
        there = [test for test, has_it in seen.items() if has_it]
        wrong = [test for test in there if not timelines[test].has_bug(Version(release))]
        assert wrong == [], release
