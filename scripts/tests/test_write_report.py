"""The command `hatch run test:report`: what it reads, and what it writes."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path

import junit_results
import msgspec
import pytest
import write_report
from model_fixtures.run_results import Failure, Run, write_results
from mutant_results import Verdict, VerdictFile
from run_report.measures import MeasureError, read_coverage, read_mutation

from .recorded_runs import BUG, result, run_of

FILE = "scripts/tests/test_write_report.py"  # a file that exists, so that JUnit's reader finds it
COVERAGE = {
    "totals": {
        "covered_lines": 9,
        "num_statements": 10,
        "covered_branches": 3,
        "num_branches": 4,
    },
    "files": {
        "/env/site-packages/lmstudio/json_api.py": {
            "summary": {"covered_lines": 9, "num_statements": 10}
        }
    },
}


def command(*arguments: object) -> int:
    """Run the command."""
    return write_report.main([str(argument) for argument in arguments])


def verdict(number: int, outcome: str) -> Verdict:
    """Return a verdict on a mutant of `json_api`."""
    return Verdict(f"key {number}", "json_api", "f", number, "value", outcome, 0.1, "", "")


def recorded(path: Path, **changes: object) -> Path:
    """Write a file with a run of each outcome."""
    run = run_of(
        result(f"{FILE}::TestA::test_a[x/y.z]"),
        result(f"{FILE}::test_b", "failed"),
        result(f"{FILE}::test_c", "skipped", reason="no moon"),
        result(f"{FILE}::test_d", "xfailed", reason="a bug", bug=BUG),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_results(path, [msgspec.structs.replace(run, **changes)])
    return path


def test_page_and_junit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command writes the page, and the same results as JUnit."""
    page, junit = tmp_path / "new" / "report.html", tmp_path / "junit.xml"
    assert command(recorded(tmp_path / "a.json"), "--out", page, "--junit", junit) == 0
    assert "<!DOCTYPE html>" in page.read_text(encoding="utf-8")
    assert capsys.readouterr().out.startswith(f"{page}: 1 run, 4 tests, 0.0 MB\n")
    found = junit_results.results(junit)
    assert {test: each.outcome for test, each in found.items()} == {
        f"{FILE}::TestA::test_a[x/y.z]": "passed",
        f"{FILE}::test_b": "failed",
        f"{FILE}::test_c": "skipped",
        f"{FILE}::test_d": "xfailed",
    }
    assert found[f"{FILE}::test_d"].properties["known_bug"] == BUG[0]
    (suite,) = ET.parse(junit).getroot()  # noqa: S314 - our own
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "0",
        "skipped": "2",
    }
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "assert 1 == 2"
    assert "lmstudio wire log" in (failure.text or "")


def test_what_xml_cannot_hold(tmp_path: Path) -> None:
    """Control characters in texts do not break the JUnit file."""
    test = result(f"{FILE}::test_a", "failed")
    test = msgspec.structs.replace(test, failures=(Failure("setup", "E  \x1b[31m\x00<&>"),))
    path, junit = tmp_path / "a.json", tmp_path / "junit.xml"
    write_results(path, [Run(name="\x07", tests=(test,))])
    assert command(path, "--out", tmp_path / "report.html", "--junit", junit) == 0
    (suite,) = ET.parse(junit).getroot()  # noqa: S314 - our own
    assert suite.get("name") == "#x07"
    error = suite.find("testcase/error")
    assert error is not None
    assert error.get("message") == "#x1B[31m#x00<&>"


def test_order_of_runs(tmp_path: Path) -> None:
    """Files come as given, those of a folder by time, and each file once; others are left alone."""
    folder = tmp_path / "results"
    recorded(folder / "a.json", name="late", started="2026-01-03T00:00:00+00:00")
    early = recorded(folder / "deep" / "b.json", name="early", started="2026-01-01T00:00:00+00:00")
    (folder / "coverage.json").write_text(json.dumps(COVERAGE))
    other = recorded(tmp_path / "other.json", name="other")
    assert [run.name for run in write_report.read_runs([folder])] == ["early", "late"]
    runs = write_report.read_runs([other, folder, early])
    assert [run.name for run in runs] == ["other", "early", "late"]


@pytest.mark.parametrize("path", ["gone.json", "empty", "broken.json"])
def test_nothing_to_read(tmp_path: Path, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without results the command says in one line what to do, and writes nothing."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.json").write_text("{")
    page = tmp_path / "report.html"
    assert command(tmp_path / path, "--out", page) == 1
    error = capsys.readouterr().err
    assert error.startswith("test:report: ")
    assert path in error
    assert error.count("\n") == 1
    assert not page.exists()


def test_unwritable_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A page that cannot be written is one line, too."""
    assert command(recorded(tmp_path / "a.json"), "--out", tmp_path) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert os.fspath(tmp_path) in error


def test_measures(tmp_path: Path) -> None:
    """Coverage is read as `coverage json` writes it; equivalent mutants do not count."""
    (tmp_path / "coverage.json").write_text(json.dumps(COVERAGE))
    verdicts = tmp_path / "mutants.jsonl"
    VerdictFile(verdicts, "an older source").add(verdict(0, "killed"))
    outcomes = ["killed"] * 8 + ["timeout", "survived", "equivalent"]
    for number, outcome in enumerate(outcomes):
        VerdictFile(verdicts, "a source").add(verdict(number, outcome))
    coverage = read_coverage(tmp_path / "coverage.json")
    assert (coverage.lines.percent, coverage.branches.percent) == (90.0, 75.0)
    ((lines, branches),) = coverage.files
    assert (lines.name, branches.percent) == ("json_api.py", 100.0)
    mutation = read_mutation(verdicts)
    assert (mutation.total.done, mutation.total.of) == (9, 10)
    assert [share.name for share in mutation.modules] == ["json_api"]
    page = tmp_path / "report.html"
    options = ("--coverage", tmp_path / "coverage.json", "--mutants", verdicts)
    assert command(recorded(tmp_path / "a.json"), *options, "--out", page) == 0
    assert "Mutation score" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"totals": 1, "files": 1, "modules": 1}'])
def test_other_measures(tmp_path: Path, content: str) -> None:
    """A file with something else is named in one line."""
    path = tmp_path / "other.json"
    path.write_text(content)
    for read in (read_coverage, read_mutation):
        with pytest.raises(MeasureError, match=r"other\.json [^\n]+$"):
            read(path)
    with pytest.raises(MeasureError, match="cannot be read"):
        read_coverage(tmp_path / "gone.json")
