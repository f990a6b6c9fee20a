"""docs/findings.md and the tests of known bugs name each other, and the same releases."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import suite_command
from list_findings import FIXED, PAGE, Finding, findings
from sdk_tests.bug_timeline import BugTimeline

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = suite_command.ROOT / "packages" / "sdk-tests"
FINDINGS = list(findings(PAGE.read_text(encoding="utf-8")))
QUOTED = sorted(test for finding in FINDINGS for test in finding.tests)
TESTS = {path.name: path for path in PACKAGE.glob("tests/**/test_*.py")}


def body(path: Path) -> list[ast.stmt]:
    """Return the top-level statements of a file."""
    return ast.parse(path.read_text(encoding="utf-8")).body


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the top-level functions of a file."""
    for node in body(path):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def timeline_of(mark: ast.expr) -> BugTimeline | None:
    """Return the releases that a `known_bug` names; None for any other expression."""
    if not isinstance(mark, ast.Call) or ast.unparse(mark.func) != "known_bug":
        return None
    named: dict[str, tuple[str, ...]] = {}
    for keyword in mark.keywords:
        if keyword.arg in ("seen_in", "fixed_in"):
            value = ast.literal_eval(keyword.value)
            named[keyword.arg] = (value,) if isinstance(value, str) else value
    return BugTimeline(**named)


def shared_marks() -> dict[str, BugTimeline]:
    """Return the releases of the marks that are made once for several tests, by their names."""
    return {
        ast.unparse(target): timeline
        for path in PACKAGE.rglob("*.py")
        for node in body(path)
        if isinstance(node, ast.Assign) and (timeline := timeline_of(node.value)) is not None
        for target in node.targets
    }


def known_bugs() -> Iterator[tuple[str, BugTimeline]]:
    """Yield "file::test" and the releases for each known bug, without the generated sync tests."""
    shared = shared_marks()
    for name, path in TESTS.items():
        if path.parent.name == "sync":
            continue
        for test in functions(path):
            for mark in test.decorator_list:
                timeline = timeline_of(mark) or shared.get(ast.unparse(mark))
                if timeline is not None:
                    yield f"{name}::{test.name}", timeline


KNOWN_BUGS = dict(known_bugs())


@pytest.mark.parametrize("quoted", QUOTED)
def test_quoted_test_exists(quoted: str) -> None:
    """Each test that the findings quote exists."""
    file, _, name = quoted.partition("::")
    assert file in TESTS, f"no file of that name is in {PACKAGE / 'tests'}"
    assert name in {function.name for function in functions(TESTS[file])}


def test_every_known_bug_is_a_finding() -> None:
    """Each test of a known bug is quoted in the findings, and no other test is."""
    assert sorted(KNOWN_BUGS) == QUOTED


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.tests[0])
def test_releases_are_those_of_the_tests(finding: Finding) -> None:
    """A row says in which releases its tests are expected to fail."""
    for test in finding.tests:
        assert finding.timeline == KNOWN_BUGS[test], test


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.tests[0])
def test_fixed_bugs_stand_apart(finding: Finding) -> None:
    """A row stands below "Fixed" if the last release that it names has the bug fixed."""
    assert finding.timeline.is_fixed is (finding.area == FIXED)


def test_the_suite_knows_the_matrix() -> None:
    """The releases that a message of `known_bug` takes into account are those of the matrix."""
    hatch = tomllib.loads((suite_command.ROOT / "hatch.toml").read_text(encoding="utf-8"))
    (named,) = (
        ast.literal_eval(node.value)
        for node in body(PACKAGE / "src" / "sdk_tests" / "sdk_releases.py")
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RELEASES"
    )
    assert list(named) == hatch["envs"]["test"]["matrix"][0]["sdk"]
