"""docs/findings.md and the tests of known bugs name each other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import suite_command

PACKAGE = suite_command.ROOT / "packages" / "sdk-tests"
FINDINGS = (suite_command.ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
QUOTED = sorted({text for text in re.findall(r"`([^`]+)`", FINDINGS) if "::" in text})
TESTS = {path.name: path for path in PACKAGE.glob("tests/**/test_*.py")}


def body(path: Path) -> list[ast.stmt]:
    """Return the top-level statements of a file."""
    return ast.parse(path.read_text(encoding="utf-8")).body


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the top-level functions of a file."""
    for node in body(path):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def is_known_bug(mark: ast.expr) -> bool:
    """Return whether an expression is a call of `known_bug`."""
    return isinstance(mark, ast.Call) and ast.unparse(mark.func) == "known_bug"


def shared_marks() -> set[str]:
    """Return the names of the marks that are made once for several tests."""
    return {
        ast.unparse(target)
        for path in PACKAGE.rglob("*.py")
        for node in body(path)
        if isinstance(node, ast.Assign) and is_known_bug(node.value)
        for target in node.targets
    }


def known_bugs() -> Iterator[str]:
    """Yield "file::test" for each test of a known bug, without the generated sync tests."""
    shared = shared_marks()
    for name, path in TESTS.items():
        if path.parent.name == "sync":
            continue
        for test in functions(path):
            marks = test.decorator_list
            if any(is_known_bug(mark) or ast.unparse(mark) in shared for mark in marks):
                yield f"{name}::{test.name}"


@pytest.mark.parametrize("quoted", QUOTED)
def test_quoted_test_exists(quoted: str) -> None:
    """Each test that the findings quote exists."""
    file, _, name = quoted.partition("::")
    assert file in TESTS, f"no file of that name is in {PACKAGE / 'tests'}"
    assert name in {function.name for function in functions(TESTS[file])}


def test_every_known_bug_is_a_finding() -> None:
    """Each test of a known bug is quoted in the findings, and no other test is."""
    assert sorted(known_bugs()) == QUOTED
