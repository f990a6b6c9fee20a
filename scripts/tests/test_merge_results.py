"""Reading JUnit files, merging them, and the times that shards are made by."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import merge_results
import msgspec
import pytest
import refresh_durations
from junit_results import JunitError, results
from model_fixtures.run_results import read_results, write_results

from .junit_files import write_junit
from .recorded_runs import result, run_of

FILE = "scripts.tests.test_merge_results"  # a file that exists, so that its path is found
PATH = "scripts/tests/test_merge_results.py"


def merge(*arguments: object) -> int:
    """Run the command."""
    return merge_results.main([str(argument) for argument in arguments])


def test_results(tmp_path: Path) -> None:
    """Node ids are found again, with classes; of two entries of a test the worse one counts."""
    cases = [
        (FILE, "test_a[x.y]", "passed", 0.5),
        (f"{FILE}.TestB", "test_b", "xfailed", 0.1),
        (FILE, "test_c", "failed", 0.2),
        (FILE, "test_c", "error", 0.0),
        ("", "gone.test_d", "skipped", 0.0),
    ]
    found = results(write_junit(tmp_path / "junit.xml", "x", cases))
    assert {test: result.outcome for test, result in found.items()} == {
        f"{PATH}::test_a[x.y]": "passed",
        f"{PATH}::TestB::test_b": "xfailed",
        f"{PATH}::test_c": "error",
        "::gone.test_d": "skipped",
    }
    assert found[f"{PATH}::test_a[x.y]"].seconds == 0.5


@pytest.mark.parametrize("content", ["", "<html />"])
def test_other_files(tmp_path: Path, content: str) -> None:
    """A file that is something else gives one line that names it."""
    other = tmp_path / "other.xml"
    other.write_text(content, encoding="utf-8")
    with pytest.raises(JunitError, match=r"other\.xml is no JUnit file[^\n]+$"):
        results(other)


def test_shards_become_one_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Suites of the same name are one in the merged file, which has all tests and sums of all."""
    for number, outcome in enumerate(["passed", "failed", "xfailed"]):
        cases = [(FILE, f"test_{number}", outcome, 0.5)]
        write_junit(tmp_path / "results" / f"shard-{number}" / "junit.xml", "sdk", cases)
    write_junit(tmp_path / "results" / "other.xml", "other", [(FILE, "test_0", "passed", 0.5)])
    assert merge(tmp_path / "results", "--into", tmp_path / "merged") == 0
    line = capsys.readouterr().out
    assert line.endswith("junit.xml: 4 files, 2 suites, 4 tests, 1 failures, 0 errors, 1 skipped\n")
    other, sdk = ET.parse(tmp_path / "merged" / "junit.xml").getroot()  # noqa: S314 - our own
    assert (other.get("name"), sdk.get("name")) == ("other", "sdk")
    counts = {name: sdk.get(name) for name in ("tests", "failures", "skipped", "time")}
    assert counts == {"tests": "3", "failures": "1", "skipped": "1", "time": "4.500"}
    assert [case.get("name") for case in sdk] == ["test_0", "test_1", "test_2"]
    assert set(results(tmp_path / "merged" / "junit.xml")) == {f"{PATH}::test_{n}" for n in "012"}


def test_merging_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was merged before is not merged again when it lies in the same folder."""
    write_junit(tmp_path / "1.xml", "sdk", [(FILE, "test_0", "passed", 0.5)])
    for _ in range(2):
        assert merge(tmp_path, "--into", tmp_path / "merged") == 0
        assert "1 files, 1 suites, 1 tests" in capsys.readouterr().out


def test_a_lost_shard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --parts a missing shard is an error."""
    write_junit(tmp_path / "1.xml", "sdk", [(FILE, "test_0", "passed", 0.5)])
    assert merge(tmp_path, "--into", tmp_path / "merged", "--parts", 2) == 1
    assert capsys.readouterr().err == "test:merge: the suite sdk has 1 parts instead of 2\n"


def test_a_test_in_two_shards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A test that ran in two parts of a suite is an error: these were no shards of one run."""
    for name in ("1.xml", "2.xml"):
        write_junit(tmp_path / name, "sdk", [(FILE, "test_0", "passed", 0.5)])
    assert merge(tmp_path, "--into", tmp_path / "merged") == 1
    assert f"1 tests of the suite sdk have run twice, such as {PATH}::test_0" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "merged" / "junit.xml").exists()


def test_nothing_to_merge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without results, and one that does not exist, are an error of one line."""
    assert merge(tmp_path, "--into", tmp_path / "merged") == 1
    assert merge(tmp_path / "none", "--into", tmp_path / "merged") == 1
    empty, missing = capsys.readouterr().err.splitlines()
    assert empty.startswith("test:merge: there are no results in ")
    assert missing == (
        f"test:merge: {tmp_path / 'none'} does not exist: name files or folders with results"
    )


def test_durations(tmp_path: Path) -> None:
    """The times for shards are medians of all files, rounded, without skipped tests."""
    for number, seconds in enumerate([1.0, 2.0, 3.004]):
        cases = [(FILE, "test_0", "passed", seconds), (FILE, "test_1", "skipped", 0.0)]
        cases += [(FILE, "test_2", "xfailed", 3.004)] * (number == 0)
        write_junit(tmp_path / f"{number}.xml", "sdk", cases)
    into = tmp_path / "durations.json"
    files = [str(path) for path in sorted(tmp_path.glob("*.xml"))]
    assert refresh_durations.main([*files, "--into", str(into)]) == 0
    assert json.loads(into.read_text(encoding="utf-8")) == {
        f"{PATH}::test_0": 2.0,
        f"{PATH}::test_2": 3.0,
    }


def test_no_durations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a test that has run, the old times are kept."""
    file = write_junit(tmp_path / "1.xml", "sdk", [(FILE, "test_1", "skipped", 0.0)])
    into = tmp_path / "durations.json"
    into.write_text("{}", encoding="utf-8")
    assert refresh_durations.main([str(file), "--into", str(into)]) == 1
    assert "the old times are kept" in capsys.readouterr().err
    assert into.read_text(encoding="utf-8") == "{}"


def shard(path: Path, *names: str, release: str = "1.6.0b1", started: str = "2026-01-02") -> Path:
    """Write what a shard has recorded with `--lmstudio-results`."""
    tests = tuple(result(f"{PATH}::{name}") for name in names)
    run = msgspec.structs.replace(run_of(*tests), release=release, started=started, seconds=1.5)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_results(path, [run])
    return path


def test_recorded_shards_become_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Recorded runs of one name become one, which began with the first; other JSON is left."""
    folder = tmp_path / "results"
    shard(folder / "1" / "results.json", "test_a", started="2026-01-03")
    shard(folder / "2" / "results.json", "test_b", "test_c", started="2026-01-01")
    (folder / "coverage.json").write_text("{}")
    assert merge(folder, "--into", tmp_path / "merged", "--parts", 2) == 0
    assert capsys.readouterr().out.endswith("results.json: 2 files, 1 runs, 3 tests\n")
    (run,) = read_results(tmp_path / "merged" / "results.json")
    assert {test.id for test in run.tests} == {f"{PATH}::test_{letter}" for letter in "abc"}
    assert (run.started, run.seconds) == ("2026-01-01", 3.0)


def test_recorded_shards_that_do_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A test that ran twice, other releases and a lost shard are errors of one line."""
    first = shard(tmp_path / "1.json", "test_a")
    same = shard(tmp_path / "2.json", "test_a")
    other = shard(tmp_path / "3.json", "test_b", release="1.5.0")
    into = ("--into", tmp_path / "merged")
    for arguments, words in (
        ((first, same), "have run twice"),
        ((first, other), "has the SDK 1.5.0 and 1.6.0b1"),
        ((first, "--parts", 2), "has 1 parts instead of 2"),
    ):
        assert merge(*arguments, *into) == 1
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
