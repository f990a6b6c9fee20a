"""Which tests `local:changed` runs, in which order, and what it remembers of them."""

import json
from pathlib import Path

import pytest
from changed_tests.errors import MapError
from changed_tests.execution_map import (
    ExecutionMap,
    read_failed,
    read_map,
    write_failed,
    write_map,
)
from changed_tests.measured_lines import Measured
from changed_tests.plan import make_plan
from changed_tests.source_changes import Changes
from changed_tests.suite import Suite


@pytest.fixture
def known() -> ExecutionMap:
    """Provide a map of six tests."""
    known = ExecutionMap(made="today")
    both = {"a.py f": {0, 1}, "a.py g": {0}}
    known.note("t/test_a.py::test_both", 0.1, both, unsure=False)
    known.note("t/test_a.py::test_f[1]", 0.1, {"a.py f": {0, 1}}, unsure=False)
    known.note("t/test_a.py::test_f[2]", 0.1, {"a.py f": {0, 1}}, unsure=False)
    known.note("t/test_b.py::test_beside", 0.1, {"a.py f": {0}}, unsure=False)
    known.note("t/test_b.py::test_killed", 3.0, {"b.py h": {0}}, unsure=True)
    known.note("t/test_c.py::test_nothing", 0.1, {}, unsure=False)
    return known


def names(tests: list[str]) -> list[str]:
    """Return the names of tests without their files."""
    return [test.partition("::")[2] or test for test in tests]


def test_order(known: ExecutionMap) -> None:
    """Tests of the changed line come first, special ones before others, one case of each first."""
    plan = make_plan(known, Changes(lines={"a.py f": {1}}))
    first = ["test_f[1]", "test_both", "test_f[2]", "test_beside", "test_killed"]
    assert names(plan.first) == first
    assert (plan.then, plan.direct) == ([], 3)
    assert plan.seconds == pytest.approx(3.4)


def test_other_function(known: ExecutionMap) -> None:
    """Only tests that execute the function run, and those of which something is not known."""
    plan = make_plan(known, Changes(lines={"a.py g": {0}}))
    assert names(plan.first) == ["test_both", "test_killed"]
    assert not make_plan(ExecutionMap(made=""), Changes(lines={"a.py g": {0}}))


def test_failed_first(known: ExecutionMap) -> None:
    """Tests that failed in the last run come first, also those that execute nothing."""
    changes = Changes(lines={"a.py g": {0}})
    plan = make_plan(known, changes, failed=["t/test_c.py::test_nothing"])
    assert names(plan.first) == ["test_nothing", "test_both", "test_killed"]


def test_edited_file(known: ExecutionMap) -> None:
    """Of a test file that has changed, all tests run, and the file itself for new ones."""
    plan = make_plan(known, Changes(), files=["t/test_b.py"])
    assert names(plan.first) == ["test_beside", "test_killed"]
    assert plan.then == ["t/test_b.py"]


def test_in_full(known: ExecutionMap) -> None:
    """In full, tests of what has changed come first, then those of its module, then all others."""
    changes = Changes(lines={"a.py g": {0}}, in_full=["why"], suspects={"a.py"})
    plan = make_plan(known, changes)
    # Tests of a file stand side by side, since they share a client.
    in_a, in_b = ["test_both", "test_f[1]", "test_f[2]"], ["test_killed", "test_beside"]
    assert names(plan.first) == [*in_a, *in_b]
    assert plan.then is None


def test_first_tests_take_seconds(known: ExecutionMap) -> None:
    """The first process gets tests for a few seconds only, but at least one."""
    known.note("t/test_a.py::test_long", 60.0, {"a.py x": {0}}, unsure=False)
    known.note("t/test_a.py::test_longer", 90.0, {"a.py x": {0}}, unsure=False)
    plan = make_plan(known, Changes(lines={"a.py x": {0}}))
    assert names(plan.first) == ["test_long"]
    assert names(plan.then or []) == ["test_longer", "test_killed"]


def test_measured() -> None:
    """What a test executes includes its file's import and the fixtures that it shares."""
    measured = Measured(
        {
            "test t/a.py::x": {"m f": {1}},
            "test t/a.py::y": {"m g": {1}},
            "file t/a.py": {"m f": {2}},
            "fixture client t/a.py": {"m h": {0}},
            "fixture client t/b.py": {"m i": {0}},
            "fixture other t/a.py": {"m j": {0}},
            "fixture * ": {"m k": {0}},
        },
        {"t/a.py::x": ["client"], "t/a.py::y": []},
        {"fixture client t/a.py"},
    )
    x = {"m f": {1, 2}, "m h": {0}, "m k": {0}}
    assert measured.of_test("t/a.py::x") == (x, True)
    assert measured.of_test("t/a.py::y") == ({"m g": {1}, "m f": {2}, "m k": {0}}, False)


def test_map_file(known: ExecutionMap, tmp_path: Path) -> None:
    """A map comes back as it was; one of another version, or none, is no map."""
    file = tmp_path / "maps" / "map.json"
    assert read_map(file) is None
    write_map(file, known)
    assert read_map(file) == known
    content = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**content, "version": 0, "map": 1}), "utf-8")
    assert read_map(file) is None
    file.write_text("{", "utf-8")
    with pytest.raises(MapError, match=r"map\.json is no map: delete it"):
        read_map(file)


def test_failed_file(tmp_path: Path) -> None:
    """The failed tests come back; a file that is none counts as empty."""
    file = tmp_path / "failed.json"
    assert read_failed(file) == []
    write_failed(file, ["t/test_a.py::test_f[1]"])
    assert read_failed(file) == ["t/test_a.py::test_f[1]"]
    file.write_text("{", "utf-8")
    assert read_failed(file) == []


def test_kept_executions(known: ExecutionMap) -> None:
    """What tests execute passes to the next map, but for functions that are gone."""
    new = ExecutionMap(made="later", functions={"z.py z": 0})
    test = "t/test_a.py::test_both"
    new.keep(known, [test], {"a.py g", "z.py z"})
    assert new.functions == {"z.py z": 0, "a.py g": 1}
    assert new.tests[test].bodies == {1: "1"}
    assert new.tests[test].seconds == 0.1


def test_suite_files(tmp_path: Path) -> None:
    """Test files are told from what tests share, and each has a digest."""
    suite = Suite(tmp_path, [], ["tests"], ["src"])
    for name in ("tests/test_a.py", "tests/conftest.py", "src/test_kit.py", "tests/x/test_b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, "utf-8")
    digests = suite.digests()
    tests = ["tests/test_a.py", "tests/x/test_b.py"]
    assert sorted(path for path in digests if suite.is_test_file(path)) == tests
    assert len(set(digests.values())) == 4
