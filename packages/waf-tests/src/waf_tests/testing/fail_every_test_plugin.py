"""A pytest plugin that makes every test fail, with all that it holds in sight.

`pytest -p waf_tests.testing.fail_every_test_plugin` lets each test run as far as its last
line, which fails in its place. Of a test with parameters only the first case runs. All edges have
the key that the variable FAILING_RUN_EDGE_KEY holds. With `--all-down` nothing answers: edges
and recording origins take their ports and close them. For the scan of what reports show.
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
    """Stands in for whatever may go wrong at the end of a test; no test expects it."""


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
    """Keep one case of each test."""
    kept: dict[tuple[object, object], pytest.Item] = {}
    for item in items:
        kept.setdefault((item.path, getattr(item, "originalname", item.name)), item)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept.values()])
    items[:] = kept.values()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Let the test fail at its last line, or, if it leaves that out, after its end."""
    locals_at_end: dict[str, object] = {}
    with _failing_at_the_last_line(pyfuncitem.function.__code__, locals_at_end):
        yield
    # The report shows this frame, and so these locals.
    raise LastLineError("the last line was not reached")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the garbage collector out of the parsing of sources for a report.

    CPython up to 3.11 gives up with `AST constructor recursion depth mismatch` when the collector
    runs code in the midst of it that parses, too, as the tracebacks of a debug log do.
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
