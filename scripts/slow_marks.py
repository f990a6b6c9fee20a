"""Adding and removing the marker `slow` in the source of tests."""

import ast
from pathlib import Path

MARK = "@pytest.mark.slow"
HEADER = "import pytest"


class MarkError(Exception):
    """A mark has to be changed by hand; the message says why."""


def with_mark(source: str, function: str) -> str:
    """Return the source with the marker on a function.

    Raises:
        MarkError: there is no such function, or the file does not import pytest.
    """
    node = _function(source, function)
    if not any(line.strip() == HEADER for line in source.splitlines()):
        raise MarkError("the file does not import pytest")
    lines = source.splitlines(keepends=True)
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    indent = " " * node.col_offset
    lines.insert(first - 1, f"{indent}{MARK}\n")
    return "".join(lines)


def without_mark(source: str, function: str) -> str:
    """Return the source without the marker on a function; no name means the whole file's.

    Raises:
        MarkError: the function is marked in another way, as by `pytestmark` or in a parameter.
    """
    if not function:
        raise MarkError("the mark of the whole file stands in pytestmark")
    node = _function(source, function)
    lines = source.splitlines(keepends=True)
    marks = [each for each in node.decorator_list if ast.unparse(each) == MARK[1:]]
    if not marks or lines[marks[0].lineno - 1].strip() != MARK:
        raise MarkError("the mark is no decorator on a line of its own")
    del lines[marks[0].lineno - 1]
    return "".join(lines)


def source_of(path: Path) -> Path:
    """Return the file that a test is written in: sync tests are made from async ones."""
    if path.parent.name != "sync":
        return path
    return path.parent.parent / "async" / path.name.replace("_sync.py", "_async.py")


def marked_as_file(source: str) -> bool:
    """Return whether the marker stands in `pytestmark`, and so concerns the file as a whole."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            return "pytest.mark.slow" in ast.unparse(node.value)
    return False


def _function(source: str, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            return node
    raise MarkError(f"the file has no function {name}")
