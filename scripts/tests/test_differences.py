"""docs/differences.md and the tests name each other.

Each row of the page's tables begins with its name. A test that shows the difference carries
`@pytest.mark.difference("name")`.
"""

import ast
import re
from collections.abc import Iterator

import pytest
import suite_command

PAGE = (suite_command.ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
HEAD = ("| name |", "|---|")
ROWS = [line for line in PAGE.splitlines() if line.startswith("|") and not line.startswith(HEAD)]
NAME = re.compile(r"\| `([a-z]+(?:-[a-z]+)*)` \| ")
NAMES = [match[1] for match in map(NAME.match, ROWS) if match]
# The tests in `sync` are made from those in `async`.
MARKED = {
    path.relative_to(suite_command.ROOT).as_posix(): ast.parse(source)
    for path in sorted(suite_command.ROOT.glob("packages/*/tests/**/test_*.py"))
    if path.parent.name != "sync"
    and "mark.difference" in (source := path.read_text(encoding="utf-8"))
}


def difference_marks(node: ast.AST) -> list[ast.Call]:
    """Return the marks in a part of a file; parameters of a test may have their own."""
    return [
        call
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.difference"
    ]


def functions(file: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the tests of a file."""
    for node in file.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name[:5] == "test_":
            yield node


def shown(file: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each test of a file with each name of a row that it is marked with."""
    for test in functions(file):
        for decorator in test.decorator_list:
            for mark in difference_marks(decorator):
                for name in mark.args:
                    yield test.name, ast.literal_eval(name)


def test_the_page_has_tables() -> None:
    """The page is read: it has a table of each kind of difference."""
    assert PAGE.count("| name |") == 3
    assert len(ROWS) > 40


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_row_begins_with_a_name_of_its_own(row: str) -> None:
    """Each row of a table has a name in lower case, which no other row has."""
    match = NAME.match(row)
    assert match is not None
    assert NAMES.count(match[1]) == 1


@pytest.mark.parametrize("name", NAMES)
def test_row_has_a_test(name: str) -> None:
    """At least one test shows what the row says."""
    marked = {row for file in MARKED.values() for _, row in shown(file)}
    assert name in marked, f'mark a test with @pytest.mark.difference("{name}")'


@pytest.mark.parametrize("path", MARKED)
def test_marks_name_rows(path: str) -> None:
    """No test is marked with the name of a row that does not exist."""
    unknown = [(test, name) for test, name in shown(MARKED[path]) if name not in NAMES]
    assert unknown == []


@pytest.mark.parametrize("path", MARKED)
def test_marks_are_on_single_tests(path: str) -> None:
    """A mark stands on a test, not on a whole file: it says which test shows the difference."""
    file = MARKED[path]
    on_tests = [
        mark
        for test in functions(file)
        for decorator in test.decorator_list
        for mark in difference_marks(decorator)
    ]
    assert len(difference_marks(file)) == len(on_tests)
