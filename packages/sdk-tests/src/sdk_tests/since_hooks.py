"""Pytest's hooks for tests that hold from an SDK release on: older releases skip them.

A file marked with `pytestmark = since("1.5.0")` is not even imported there, since it may import
what only that release has.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NoReturn

import pytest
from packaging.version import Version

from .sdk_releases import RELEASES, SDK_RELEASE

__all__ = ["pytest_itemcollected", "pytest_pycollect_makemodule"]

MARKER = "since"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Skip a test on releases before the one from which on it holds."""
    releases = [str(mark.args[0]) for mark in item.iter_markers(MARKER)]
    if needed := missing(releases):
        item.add_marker(pytest.mark.skip(reason=f"needs {needed}"))


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Leave a file out on releases before the one that its `pytestmark` names."""
    if Version(SDK_RELEASE) >= Version(RELEASES[0]):
        return None  # nothing is missing there, and reading every file twice would take time
    needed = missing(marked_file(module_path.read_text(encoding="utf-8")))
    if needed is None:
        return None
    module: LaterModule = LaterModule.from_parent(parent, path=module_path)
    module.needed = needed
    return module


class LaterModule(pytest.Module):
    """A file that the SDK under test is too old for."""

    needed = ""

    def collect(self) -> NoReturn:
        """Skip the file."""
        raise pytest.skip.Exception(f"needs {self.needed}", allow_module_level=True)


def missing(releases: list[str]) -> str | None:
    """Return the newest of these releases if the SDK under test is older, else None."""
    newest = max(releases, key=Version, default=None)
    if newest is None or Version(newest) <= Version(SDK_RELEASE):
        return None
    return newest


def marked_file(source: str) -> list[str]:
    """Return the releases in the marks `since` of a file's `pytestmark`."""
    return [
        str(ast.literal_eval(call.args[0]))
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
        for call in ast.walk(node.value)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == MARKER
    ]
