"""A pytest plugin that makes every test fail with its values in sight, to search the reports.

With `pytest -p waf_tests.testing.fail_every_test_plugin` each test runs as far as its last line and
fails there. Of a test with parameters only the first case runs. All edges have the key in the
variable FAILING_RUN_EDGE_KEY. With `--all-down` nothing answers, because edges and recording
origins close their ports as soon as they have taken them.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType, SimpleNamespace
from typing import Any

import pytest

import waf_tests.edge.edge
from waf_tests.edge import Edge

from .recording_origin import RecordingOrigin

EDGE_KEY_VARIABLE = "FAILING_RUN_EDGE_KEY"


class LastLineError(BaseException):
    """The error that ends every test in place of any other; no test expects it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--all-down`."""
    parser.addoption("--all-down", action="store_true", help="no edge and no origin answers")


def pytest_configure(config: pytest.Config) -> None:
    """Give all edges the known key, and close all ports if nothing is to answer."""
    key = os.environ.pop(EDGE_KEY_VARIABLE)
    vars(waf_tests.edge.edge)["secrets"] = SimpleNamespace(token_urlsafe=lambda size: key)
    if config.getoption("--all-down"):
        _close_all_ports()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep only the first case of each test."""
    kept: dict[tuple[object, object], pytest.Item] = {}
    for item in items:
        kept.setdefault((item.path, getattr(item, "originalname", item.name)), item)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept.values()])
    items[:] = kept.values()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Make the test fail at its last line, or after its end if it does not reach that line."""
    locals_at_end: dict[str, object] = {}
    with _failing_at_the_last_line(pyfuncitem.function.__code__, locals_at_end):
        yield
    # The report shows this frame and, with it, the test's locals.
    raise LastLineError("the last line was not reached")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the garbage collector from running while a report parses source code.

    CPython up to 3.11 fails with `AST constructor recursion depth mismatch` if the collector then
    runs code that parses, too, as the tracebacks of a debug log do.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@contextmanager
def _failing_at_the_last_line(code: CodeType, locals_at_end: dict[str, object]) -> Iterator[None]:
    last = max(line for _, _, line in code.co_lines() if line)

    def enter(frame: FrameType, event: str, argument: object) -> Any:
        return step if frame.f_code is code else None

    def step(frame: FrameType, event: str, argument: object) -> Any:
        if event == "line" and frame.f_lineno == last:
            sys.settrace(before)
            raise LastLineError
        if event == "return":
            locals_at_end.update(frame.f_locals)
        return step

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(before)


def _close_all_ports() -> None:
    start, enter, leave = Edge.start, RecordingOrigin.__enter__, RecordingOrigin.__exit__

    def start_and_stop(self: Edge) -> None:
        start(self)
        self.stop()

    def enter_and_leave(self: RecordingOrigin) -> RecordingOrigin:
        enter(self)
        leave(self, None, None, None)
        return self

    def left_already(self: RecordingOrigin, *details: object) -> None:
        pass

    for owner, name, function in (
        (Edge, "start", start_and_stop),
        (RecordingOrigin, "__enter__", enter_and_leave),
        (RecordingOrigin, "__exit__", left_already),
    ):
        setattr(owner, name, function)
