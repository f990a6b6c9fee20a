"""The report's model: parts of the SDK, behaviours, known bugs, and differences of two runs."""

from __future__ import annotations

import pytest
from model_fixtures.run_results import Outcome, Run
from run_report.behaviours import failures, known_bugs, parts_of, skip_reasons
from run_report.charts import outcome_bars, times_of_parts, times_of_tests
from run_report.differences import differences
from run_report.parts import OTHER, PARTS, in_words, part_of, stem_and_api
from suite_command import ROOT

from .recorded_runs import ACT, ACT_SYNC, BUG, FILES, result, run_of

SUITE = sorted(
    path.relative_to(ROOT).as_posix()
    for package in ("sdk-tests", "waf-tests")
    for path in (ROOT / "packages" / package / "tests").rglob("test_*.py")
)


def test_every_file_has_a_part() -> None:
    """Each file of the suite belongs to a part, and the table names no file that is gone."""
    assert [path for path in SUITE if part_of(path) == OTHER] == []
    stems = {stem_and_api(path)[0] for path in SUITE if "sdk-tests" in path}
    named = [stem for _, stems_of_part in PARTS.values() for stem in stems_of_part]
    assert sorted(named) == sorted(stems)


def test_twins_and_parameters_are_one_behaviour() -> None:
    """Both APIs and all parameters of a test are cases of one behaviour, in its part."""
    run = run_of(
        result(f"{ACT}::test_rounds[a]"),
        result(f"{ACT_SYNC}::test_rounds[a]", "failed"),
        result(f"{ACT}::TestClass::test_other", doc=""),
        result(f"{FILES}::test_names"),
        result("elsewhere/test_files_async.py::test_x"),
    )
    tools, files, other = parts_of([run])
    assert [part.title for part in (tools, files, other)] == ["Tools", "Files and images", OTHER]
    (act,) = tools.files.values()
    assert (act.title, act.text) == ("Act()", "What the file is about.")
    rounds, second = act.behaviours.values()
    assert set(rounds.cases[0]) == {"async, a", "sync, a"}
    assert second.text == "Other"
    (cell,) = rounds.cells
    assert (cell.outcome, cell.number, cell.total) == ("failed", 1, 2)
    assert not rounds.is_plain
    assert [case for case, _ in rounds.remarkable()] == ["sync, a"]
    (whole,) = tools.cells
    assert dict(whole.counts) == {"failed": 1, "passed": 2}


def test_cases_that_one_run_lacks_are_remarkable() -> None:
    """A case that only one of two runs has is listed, though it passed."""
    first = run_of(result(f"{FILES}::test_a[x]"), result(f"{FILES}::test_a[y]"))
    (part,) = parts_of([first, run_of(result(f"{FILES}::test_a[x]"))])
    (behaviour,) = next(iter(part.files.values())).behaviours.values()
    ((case, row),) = behaviour.remarkable()
    assert (case, row[1]) == ("y", None)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("test_closed_client", "Closed client"),
        ("TestClass", "Test Class"),
        ("api_tokens", "API tokens"),
    ],
)
def test_in_words(name: str, words: str) -> None:
    """A name becomes words where there is no docstring."""
    assert in_words(name) == words


def test_known_bugs() -> None:
    """A bug of several tests is one entry, with what became of its tests in each run."""
    has = run_of(
        result(f"{ACT}::test_a[1]", "xfailed", bug=BUG),
        result(f"{ACT}::test_a[2]", "xfailed", bug=BUG),
        result(f"{FILES}::test_b", bug=("Fixed long ago.", "fixed in 1.5.0")),
    )
    has_not = run_of(result(f"{ACT}::test_a[1]", bug=BUG))
    first, second = known_bugs([has_not, has])
    assert (first.reason, first.releases) == BUG
    assert first.tests == ["test_act_async.py::test_a"]
    assert [dict(counts) for counts in first.outcomes] == [{"passed": 1}, {"xfailed": 2}]
    assert second.reason == "Fixed long ago."


def test_failures_and_skips() -> None:
    """Failures are those that failed or broke; reasons of skipped tests are counted."""
    run = run_of(
        result("test_z.py::test_a", "error"),
        result("test_a.py::test_a", "failed"),
        result("test_b.py::test_a", "xfailed"),
        result("test_b.py::test_b", "skipped", reason="no moon"),
        result("test_b.py::test_c", "skipped", reason="no moon"),
        result("test_b.py::test_d", "skipped"),
    )
    assert [test.id for test in failures(run)] == ["test_a.py::test_a", "test_z.py::test_a"]
    assert skip_reasons(run) == [("no moon", 2), ("no reason given", 1)]


def one(outcome: Outcome) -> Run:
    """Return a run with one test."""
    return run_of(result("test_a.py::test_a", outcome))


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        ("passed", "failed", "worse"),
        ("skipped", "error", "worse"),
        ("xfailed", "failed", "worse"),
        ("failed", "passed", "better"),
        ("error", "skipped", "better"),
        ("passed", "xfailed", "bugs"),
        ("xfailed", "passed", "bugs"),
        ("passed", "skipped", "not_run"),
        ("skipped", "xfailed", "not_run"),
    ],
)
def test_differences_of_outcomes(was: Outcome, now: Outcome, kind: str) -> None:
    """Each change of an outcome is in exactly one list."""
    found = differences(one(was), one(now))
    lists = {name: getattr(found, name) for name in ("worse", "better", "bugs", "not_run")}
    assert {name for name, pairs in lists.items() if pairs} == {kind}
    assert found.same == 0
    assert not found.nothing


@pytest.mark.parametrize(
    ("was", "now"), [("passed", "passed"), ("failed", "error"), ("skipped", "skipped")]
)
def test_no_difference(was: Outcome, now: Outcome) -> None:
    """The same outcome is no difference, and neither is the phase in which a test fails."""
    found = differences(one(was), one(now))
    assert found.same == 1
    assert found.nothing


def test_other_tests() -> None:
    """Tests that one of the runs does not have are named."""
    found = differences(
        run_of(result("test_a.py::test_a"), result("test_a.py::test_b")),
        run_of(result("test_a.py::test_b"), result("test_a.py::test_c")),
    )
    assert (found.missing, found.added) == (["test_a.py::test_a"], ["test_a.py::test_c"])


def test_times() -> None:
    """Tests are counted by time, from a bound on upwards; the longest bar fills the space."""
    run = run_of(
        result(f"{FILES}::test_a", seconds=0.01),
        result(f"{FILES}::test_b", seconds=0.029),
        result(f"{ACT}::test_c", seconds=12.0),
        result(f"{ACT}::test_d", "skipped", seconds=0.0),
    )
    rows = {row.label: row.bars[0] for row in times_of_tests([run])}
    assert rows["10 ms to 30 ms"].text == "2"
    assert rows["10 ms to 30 ms"].length == 100.0
    assert rows["10 s and more"].length == 50.0
    assert rows["under 10 ms"].length == 0.0
    parts = {row.label: row.bars[0].text for row in times_of_parts(parts_of([run]))}
    assert parts == {"Tools": "12 s", "Files and images": "39 ms"}


def test_bars_of_outcomes() -> None:
    """One failure among thousands can be seen, and the bars fill the space exactly."""
    tests = [result(f"{FILES}::test_a[{number}]") for number in range(2000)]
    run = run_of(*tests, result(f"{FILES}::test_b", "failed"))
    (part,) = parts_of([run])
    passed, failed = outcome_bars(part.cells[0])
    assert failed.length > 0.9
    assert failed.start == pytest.approx(passed.length)
    assert passed.length + failed.length == pytest.approx(100.0)
