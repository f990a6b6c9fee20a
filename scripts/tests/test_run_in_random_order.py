"""Comparing runs of the suite in random order."""

import pytest
import run_in_random_order
from junit_results import TestResult
from suite_command import SuiteRun


def finished(**outcomes: str) -> SuiteRun:
    """Return a run with these outcomes of tests."""
    tests = {name: TestResult(name, outcome, 0.1) for name, outcome in outcomes.items()}
    passed = bool(tests) and set(outcomes.values()) <= {"passed", "skipped", "xfailed"}
    return SuiteRun(1.0, f"{len(tests)} tests", "the output", passed, tests)


class Suite:
    """Stands in for the suite: gives the next of some runs, and notes the options of each."""

    def __init__(self, *runs: SuiteRun) -> None:
        self.runs = list(runs)
        self.asked: list[str] = []

    def __call__(self, options: list[str]) -> SuiteRun:
        """Note the options, and return the next run."""
        self.asked.append(" ".join(options))
        return self.runs.pop(0)


def test_what_differs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Each seed runs with and without xdist; what differs is named, rare outcomes first."""
    same = finished(a="passed", b="xfailed")
    suite = Suite(same, finished(a="failed", b="xfailed"), same, finished(a="passed"))
    monkeypatch.setattr(run_in_random_order, "run_suite", suite)
    options = ["2", "--with-and-without-xdist", "--first-seed", "7", "-k", "chat"]
    assert run_in_random_order.main(options) == 1
    assert suite.asked == [
        f"--random-order --random-order-seed={seed} -k chat -n {workers}"
        for seed in (7, 8)
        for workers in (2, 0)
    ]
    assert capsys.readouterr().out.splitlines()[-7:] == [
        "a",
        "    failed: 7 -n 0",
        "    passed: 7 -n 2, 8 -n 2, 8 -n 0",
        "b",
        "    absent: 8 -n 0",
        "    xfailed: 7 -n 2, 7 -n 0, 8 -n 2",
        "3 of 4 runs passed, 2 tests differ between runs",
    ]


def test_passes_that_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that is skipped in one order fails the command, even if all runs have passed."""
    suite = Suite(finished(a="passed"), finished(a="skipped"))
    monkeypatch.setattr(run_in_random_order, "run_suite", suite)
    assert run_in_random_order.main(["2"]) == 1
    assert suite.asked == [f"--random-order --random-order-seed={seed}" for seed in (1, 2)]


def test_nothing_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs that pass and agree are exit code 0."""
    monkeypatch.setattr(
        run_in_random_order, "run_suite", Suite(finished(a="passed"), finished(a="passed"))
    )
    assert run_in_random_order.main(["2"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "2 of 2 runs passed, 0 tests differ between runs"
    )


def test_a_run_that_broke_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run without results fails the command and shows its output; no test differs by that."""
    monkeypatch.setattr(run_in_random_order, "run_suite", Suite(finished(a="passed"), finished()))
    assert run_in_random_order.main(["2"]) == 1
    said = capsys.readouterr()
    assert said.out.endswith("1 of 2 runs passed, 0 tests differ between runs\n")
    assert "the output" in said.err
