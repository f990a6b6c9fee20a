"""docs/findings.md and the tests of known bugs name each other, and the same releases."""

import ast
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import suite_command

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = suite_command.ROOT / "packages" / "sdk-tests"
FINDINGS = (suite_command.ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
QUOTED = sorted({text for text in re.findall(r"`([^`]+)`", FINDINGS) if "::" in text})
# The last cells of a row: the release, and the tests.
ROWS = re.findall(r"^\|.*\| ([^|]+) \| (`[^|]+`) \|$", FINDINGS, re.MULTILINE)
TESTS = {path.name: path for path in PACKAGE.glob("tests/**/test_*.py")}


def body(path: Path) -> list[ast.stmt]:
    """Return the top-level statements of a file."""
    return ast.parse(path.read_text(encoding="utf-8")).body


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the top-level functions of a file."""
    for node in body(path):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


@functools.cache
def constants() -> dict[str, str]:
    """Return the names that the suite gives to releases."""
    return {
        ast.unparse(node.targets[0]): node.value.value
        for node in body(PACKAGE / "src" / "sdk_tests" / "sdk_releases.py")
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


@functools.cache
def matrix() -> list[str]:
    """Return the releases that the suite runs on."""
    hatch = tomllib.loads((suite_command.ROOT / "hatch.toml").read_text(encoding="utf-8"))
    releases: list[str] = hatch["envs"]["test"]["matrix"][0]["sdk"]
    return releases


def releases_of(mark: ast.expr) -> set[str] | None:
    """Return the releases in which a `known_bug` was seen; None for any other expression."""
    if not isinstance(mark, ast.Call) or ast.unparse(mark.func) != "known_bug":
        return None
    for keyword in mark.keywords:
        if keyword.arg == "seen_in":
            assert isinstance(keyword.value, ast.Tuple)
            return {constants()[ast.unparse(name)] for name in keyword.value.elts}
    return set(matrix())


def shared_marks() -> dict[str, set[str]]:
    """Return the releases of the marks that are made once for several tests, by their names."""
    return {
        ast.unparse(target): releases
        for path in PACKAGE.rglob("*.py")
        for node in body(path)
        if isinstance(node, ast.Assign) and (releases := releases_of(node.value)) is not None
        for target in node.targets
    }


def known_bugs() -> Iterator[tuple[str, set[str]]]:
    """Yield "file::test" and the releases for each known bug, without the generated sync tests."""
    shared = shared_marks()
    for name, path in TESTS.items():
        if path.parent.name == "sync":
            continue
        for test in functions(path):
            for mark in test.decorator_list:
                releases = releases_of(mark) or shared.get(ast.unparse(mark))
                if releases is not None:
                    yield f"{name}::{test.name}", releases


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


def test_every_row_is_read() -> None:
    """Each quoted test stands in the last column of a row, whose releases are checked below."""
    assert sorted(test for _, tests in ROWS for test in re.findall(r"`([^`]+)`", tests)) == QUOTED


@pytest.mark.parametrize(("release", "tests"), ROWS)
def test_releases_are_those_of_the_tests(release: str, tests: str) -> None:
    """A row names the releases in which its tests are expected to fail, "both" for all."""
    named = set(matrix()) if release == "both" else {release}
    for test in re.findall(r"`([^`]+)`", tests):
        assert KNOWN_BUGS[test] == named, test


def test_both_means_the_matrix() -> None:
    """The word "both" is explained by the releases of the matrix, which are two."""
    assert f'"Both" means {" and ".join(matrix())}.' in " ".join(FINDINGS.split())
    assert len(matrix()) == 2


def test_the_suite_knows_the_matrix() -> None:
    """A `known_bug` without releases is expected in all releases of the matrix."""
    source = (PACKAGE / "src" / "sdk_tests" / "sdk_releases.py").read_text(encoding="utf-8")
    (names,) = re.findall(r"^RELEASES = \((.*)\)$", source, re.MULTILINE)
    assert [constants()[name] for name in names.split(", ")] == matrix()
