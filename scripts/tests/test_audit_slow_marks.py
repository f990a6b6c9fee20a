"""The audit of the marker `slow`, and the edits that it makes."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import audit_slow_marks
import pytest
import slow_marks
import suite_command
from audit_slow_marks import findings
from junit_results import TestResult, results
from suite_command import SuiteRun

from .junit_files import properties

ASYNC, SYNC = "tests/async/test_x_async.py", "tests/sync/test_x_sync.py"
SOURCE = """import pytest


@pytest.mark.slow
@pytest.mark.anyio
async def test_marked() -> None:
    pass


@pytest.mark.parametrize("n", [1, 2])
async def test_unmarked(n: int) -> None:
    pass
"""


def run(tests: Mapping[str, Mapping[str, str]], outcome: str = "passed") -> dict[str, TestResult]:
    """Return a run's results with these properties."""
    return {
        test: TestResult(test, outcome, 0.0, properties(values)) for test, values in tests.items()
    }


def slow(own: float, shared: float = 0.0) -> dict[str, str]:
    """Return the properties of a marked test."""
    return {"own_seconds": str(own), "shared_seconds": str(shared), "slow": "yes"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Provide a folder with a test file."""
    file = tmp_path / ASYNC
    file.parent.mkdir(parents=True)
    file.write_text(SOURCE, encoding="utf-8")
    return tmp_path


def test_only_what_all_runs_agree_on(root: Path) -> None:
    """An unmarked test that is slow once, and a marked one that is fast once, are no findings."""
    marked, unmarked = f"{ASYNC}::test_marked", f"{ASYNC}::test_unmarked[1]"
    runs = [
        run({marked: slow(0.5), unmarked: {"own_seconds": "1.5"}}),
        run({marked: slow(1.5), unmarked: {"own_seconds": "0.5"}}),
    ]
    assert findings(runs, root) == []
    (missing,) = findings([runs[0], run({unmarked: {"own_seconds": "1.2"}})], root)
    assert str(missing) == f"{ASYNC}::test_unmarked is not marked slow and takes 1.20 to 1.50 s"
    (superfluous,) = findings([runs[0], run({marked: slow(0.1)})], root)
    assert str(superfluous) == f"{ASYNC}::test_marked is marked slow and takes 0.10 to 0.50 s"


def test_shared_parts_excuse_both(root: Path) -> None:
    """What is set up for a whole file makes no test slow, and no mark superfluous."""
    tests = {
        f"{ASYNC}::test_marked": slow(0.5, shared=0.9),
        f"{ASYNC}::test_unmarked[1]": {"own_seconds": "0.5", "shared_seconds": "2"},
    }
    assert findings([run(tests)], root) == []


def test_one_slow_case_is_enough(root: Path) -> None:
    """A mark stands for all cases of a test, and for its sync twin: one slow case needs it."""
    sync = {f"{SYNC}::test_marked": slow(1.1), f"{ASYNC}::test_marked": slow(0.1)}
    assert findings([run(sync)], root) == []
    cases = {
        f"{SYNC}::test_unmarked[1]": {"own_seconds": "0.1"},
        f"{SYNC}::test_unmarked[2]": {"own_seconds": "1.1"},
    }
    (missing,) = findings([run(cases)], root)
    assert (missing.path, missing.function, missing.missing) == (ASYNC, "test_unmarked", True)


def test_skipped_and_failed_tests_tell_nothing(root: Path) -> None:
    """The time of a test that is skipped or fails is no time of the test."""
    for outcome in ("skipped", "failed", "error"):
        assert findings([run({f"{ASYNC}::test_marked": slow(0.1)}, outcome)], root) == []


def test_a_marked_file_counts_as_one(root: Path) -> None:
    """A mark in `pytestmark` is superfluous only if every test of the file is fast."""
    file = root / ASYNC
    file.write_text(f"import pytest\npytestmark = [pytest.mark.slow]\n{SOURCE}", encoding="utf-8")
    tests = {f"{ASYNC}::test_marked": slow(0.1), f"{ASYNC}::test_unmarked[1]": slow(1.1)}
    assert findings([run(tests)], root) == []
    (found,) = findings([run({f"{ASYNC}::test_marked": slow(0.1)})], root)
    assert (found.path, found.function) == (ASYNC, "")
    assert audit_slow_marks.fix([found], root) == 1


def test_fix(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--fix moves the markers, in the file that sync tests are made from, and says what to run."""
    tests = {
        f"{ASYNC}::test_marked": slow(0.1),
        f"{SYNC}::test_unmarked[1]": {"own_seconds": "1.2"},
    }
    assert audit_slow_marks.fix(findings([run(tests)], root), root) == 0
    moved = SOURCE.replace("@pytest.mark.slow\n", "").replace(
        "@pytest.mark.par", "@pytest.mark.slow\n@pytest.mark.par"
    )
    assert (root / ASYNC).read_text(encoding="utf-8") == moved
    assert "Run `hatch run sync:generate`" in capsys.readouterr().out


def test_what_is_left_to_do_by_hand() -> None:
    """A mark in a parameter, and a file that does not import pytest, are not edited."""
    with pytest.raises(slow_marks.MarkError, match="no decorator"):
        slow_marks.without_mark(SOURCE, "test_unmarked")
    with pytest.raises(slow_marks.MarkError, match="does not import pytest"):
        slow_marks.with_mark("def test_a(): pass\n", "test_a")


@pytest.mark.parametrize(
    ("own", "passed", "options", "code"),
    [("1.5", True, [], 1), ("0.5", True, [], 0), ("0.5", False, [], 2)],
)
def test_exit_code(
    monkeypatch: pytest.MonkeyPatch, own: str, passed: bool, options: list[str], code: int
) -> None:
    """The exit code is 0 without findings, 1 with some, and 2 when a run has failed."""
    test = "scripts/tests/test_audit_slow_marks.py::test_exit_code"
    asked: list[list[str]] = []

    def run_suite(given: list[str]) -> SuiteRun:
        asked.append(given)
        return SuiteRun(1.0, "1 passed", "", passed, run({test: {"own_seconds": own}}))

    monkeypatch.setattr(audit_slow_marks, "run_suite", run_suite)
    assert audit_slow_marks.main(["--runs", "2", "-k", "x", *options]) == code
    assert asked[0] == ["-p", "scripts.own_times", "-k", "x"]
    assert len(asked) == (2 if passed else 1)


CLOCK = """
import sys, time
now = 0.0

def advance(seconds):
    global now
    now += seconds

time.perf_counter, time.advance = lambda: now, advance
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""
TIMED = """
import time
import pytest

advance = getattr(time, "advance", lambda seconds: None)

@pytest.fixture(scope="module")
def base():
    advance(1)

@pytest.fixture(scope="module")
def shared(base):
    advance(2)
    yield
    advance(4)

@pytest.fixture
def own():
    advance(8)
    yield
    advance(16)

@pytest.mark.slow
def test_first(shared, own):
    advance(32)

def test_last(shared):
    advance(64)
"""


def timed(folder: Path, *command: str) -> list[dict[str, str]]:
    """Run two tests with the plugin, and return the properties of each."""
    file = folder / "test_timed.py"
    file.write_text(TIMED, encoding="utf-8")
    junit = folder / "junit.xml"
    options = ["-p", "scripts.own_times", "-p", "no:randomly", "-c", "/dev/null", "-rN"]
    options += [f"--rootdir={folder}", f"--junitxml={junit}", str(file)]
    whole = [sys.executable, *command, *options]
    subprocess.run(whole, cwd=suite_command.ROOT, check=True)
    return [result.properties for result in results(junit).values()]


@pytest.mark.slow
def test_own_times(tmp_path: Path) -> None:
    """A test's own time has its own fixtures, not those of the file."""
    assert timed(tmp_path, "-c", CLOCK) == [
        {"own_seconds": "56.000", "shared_seconds": "3.000", "slow": "yes"},
        {"own_seconds": "64.000", "shared_seconds": "0.000", "slow": "no"},
    ]


@pytest.mark.slow
def test_own_times_in_a_worker(tmp_path: Path) -> None:
    """The times of tests in a worker of xdist are noted, too."""
    first, last = timed(tmp_path, "-m", "pytest", "-n", "1")
    assert set(first) == set(last) == {"own_seconds", "shared_seconds", "slow"}
