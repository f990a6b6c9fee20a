"""Pytest's hooks for tests of known bugs: expect their failure, and say what to do if they pass."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest
from model_fixtures.run_results import KNOWN_BUG, KNOWN_BUG_RELEASES

from .sdk_releases import RELEASES, SDK_RELEASE, KnownBug

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
]

MARKER = "known_bug"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers", f"{MARKER}(bug): has a right expectation that some SDK releases do not meet"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect the tests of the bugs that the SDK under test has to fail.

    Each test of a known bug says what it is, also where it is fixed, for JUnit and reports.
    """
    for item in items:
        for mark in item.iter_markers(MARKER):
            known: KnownBug = mark.args[0]
            if known.when:
                item.user_properties += [
                    (KNOWN_BUG, known.reason),
                    (KNOWN_BUG_RELEASES, str(known.timeline)),
                ]
        for bug in _expected(item):
            reason = f"{bug.reason} Releases: {bug.timeline}."
            item.add_marker(pytest.mark.xfail(raises=bug.raises, strict=True, reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave out the traceback of a known bug, and say what to do about one that is gone.

    No report shows the traceback. For it, pytest parses the files of all its frames, which takes
    longer than the test.
    """
    option = item.config.option
    bugs = [] if option.runxfail else _expected(item)
    error = call.excinfo and call.excinfo.value
    style = option.tbstyle
    if any(isinstance(error, bug.raises) for bug in bugs):
        option.tbstyle = "value"
    try:
        report = yield
    finally:
        option.tbstyle = style
    if bugs and call.when == "call" and error is None and report.failed:
        report.longrepr = f"[XPASS(strict)] {what_to_do(item, bugs[0])}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> Generator[None, None, None]:
    """Sum up the expected failures in one line, below those of the other outcomes."""
    yield
    reports: Iterable[pytest.TestReport] = terminalreporter.stats.get("xfailed", [])
    count = sum(MARKER in report.keywords for report in reports)
    if count:
        terminalreporter.write_line(
            f"XFAIL [{count}] known bugs of lmstudio {SDK_RELEASE}: -rx lists their tests, and"
            f" `hatch run findings:list --release {SDK_RELEASE}` the bugs"
        )


def what_to_do(item: pytest.Item, bug: KnownBug) -> str:
    """Return what to do about a test that passes although a bug is expected: a line, and why."""
    right = bug.timeline.after_pass(SDK_RELEASE, RELEASES)
    source = _source(bug.file)
    place = Path(os.path.relpath(source, item.config.rootpath)).as_posix()
    generate = "" if source == bug.file else ", run `hatch run sync:generate`"
    test = f"{_source(item.path).name}::{getattr(item, 'originalname', item.name)}"
    entry = f"the entry of {test} in docs/findings.md"
    if right is None:
        steps = f"remove its `known_bug` in {place}{generate}, and remove {entry}"
    else:
        verb = "write" if bug.timeline.arguments() else "add"
        steps = f"{verb} `{right.arguments()}` in its `known_bug` in {place}{generate}, and "
        if right.is_fixed and not bug.timeline.is_fixed:
            steps += f'move {entry} to "Fixed", with the release "{right}"'
        else:
            steps += f'give {entry} the release "{right}"'
    return f"fixed here? {steps}.\nlmstudio {SDK_RELEASE} passes, but was to fail: {bug.reason}"


def _expected(item: pytest.Item) -> list[KnownBug]:
    """Return the known bugs of a test that the SDK under test is expected to have."""
    bugs: list[KnownBug] = [mark.args[0] for mark in item.iter_markers(MARKER)]
    return [bug for bug in bugs if bug.is_expected]


def _source(path: Path) -> Path:
    """Return the file that is edited by hand: tests in `sync` are generated from `async`."""
    if path.parent.name != "sync" or not path.stem.endswith("_sync"):
        return path
    return path.parent.parent / "async" / f"{path.stem.removesuffix('_sync')}_async.py"
