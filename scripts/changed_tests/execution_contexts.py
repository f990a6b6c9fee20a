"""A pytest plugin that notes which lines of the SDK each test executes, and runs chosen tests only.

    pytest -p changed_tests.execution_contexts --changed-tests FOLDER

coverage.py notes lines under the context that is in force, whichever thread executes them: so those
of the sync client's background thread belong to the test that is running. Processes that a test
starts begin to measure by coverage's `.pth` file, in the context that a variable names.

    test TEST              a test with the fixtures that are its own; TEST is pytest's node id
    fixture NAME SCOPE     a fixture that tests share; SCOPE is the node id of what has it
    file FILE              import and collection of a test file

FOLDER has `measure.ini`, coverage's settings, and `chosen.json`, if not all tests are to run. It
gets data files and `fixtures-*.json`, the names of each test's fixtures.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage

from .run_folder import CHOSEN, FIXTURES, OPTION, SETTINGS, VARIABLE

_START = "COVERAGE_PROCESS_START"  # names the settings, and has child processes measure


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option with the folder."""
    parser.addoption(OPTION, metavar="FOLDER", help="note which lines of the SDK tests execute")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to measure, in a process that runs tests itself."""
    given = config.getoption(OPTION)
    if given is None:
        return
    folder = Path(given).absolute()  # tests may change the current folder
    chosen = folder / CHOSEN
    if chosen.is_file():
        content = json.loads(chosen.read_text(encoding="utf-8"))
        config.pluginmanager.register(ChosenTests(content["only"], content["without"]))
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return
    measurement = Coverage(config_file=str(folder / SETTINGS), data_suffix=True)
    measurement.start()
    config.pluginmanager.register(ExecutionContexts(measurement, folder))


class ChosenTests:
    """Runs only some tests, in an order of their own, or all but some."""

    def __init__(self, only: list[str] | None, without: list[str]) -> None:
        """Take node ids; in `only` also paths of files, for all of their tests."""
        self._only = None if only is None else {test: rank for rank, test in enumerate(only)}
        self._without = set(without)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Choose, after others have marked items."""
        chosen = [item for item in items if item.nodeid not in self._without]
        if self._only is not None:
            ranked = [(rank, item) for item in chosen if (rank := self._rank(item)) is not None]
            chosen = [item for _, item in sorted(ranked, key=lambda each: each[0])]
        kept = set(chosen)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = chosen

    def _rank(self, item: pytest.Item) -> int | None:
        ranks = self._only or {}
        return ranks.get(item.nodeid, ranks.get(item.nodeid.partition("::")[0]))


class ExecutionContexts:
    """Switches contexts, and writes at the run's end what was measured."""

    def __init__(self, measurement: Coverage, folder: Path) -> None:
        self._measurement = measurement
        self._folder = folder
        self._test = ""  # the context of what runs beside shared fixtures
        self._names: set[str] = set()  # of the fixtures that the test names
        self._fixtures: dict[str, list[str]] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Begin the context of a test file while it is imported and collected."""
        file = collector.nodeid.partition("::")[0]
        if not file.endswith(".py"):
            return (yield)
        self._begin(f"file {file}")
        try:
            return (yield)
        finally:
            self._begin("")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Begin the context of a test, and note the names of its fixtures."""
        self._names = set(getattr(item, "fixturenames", ()))
        self._fixtures[item.nodeid] = sorted(self._names)
        self._begin(f"test {item.nodeid}")
        try:
            return (yield)
        finally:
            self._begin("")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Begin the context of a shared fixture, for its setup and later for its teardown."""
        if fixturedef.scope == "function":
            return (yield)
        name = fixturedef.argname
        # Nobody knows which tests ask for a fixture by getfixturevalue: "*" stands for all.
        context = f"fixture {name if name in self._names else '*'} {request.node.nodeid}"
        self._switch(context)
        try:
            return (yield)
        finally:
            self._switch(self._test)
            # The finalizer that was added last runs first.
            request.addfinalizer(lambda: self._switch(context))

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """Go back to the test's context after the teardown of a shared fixture."""
        if fixturedef.scope != "function":
            self._switch(self._test)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Write the data and the names of fixtures."""
        self._measurement.stop()
        self._measurement.save()
        file = self._folder / f"{FIXTURES}{os.getpid()}.json"
        file.write_text(json.dumps(self._fixtures), encoding="utf-8")

    def _begin(self, context: str) -> None:
        self._test = context
        self._switch(context)

    def _switch(self, context: str) -> None:
        self._measurement.switch_context(context)
        if context:
            os.environ[VARIABLE] = context
            os.environ[_START] = str(self._folder / SETTINGS)
        else:  # the embedded server, which no test starts, is not to be measured
            os.environ.pop(VARIABLE, None)
            os.environ.pop(_START, None)
