"""A pytest plugin that notes which lines of the SDK each test executes, for `local:changed`.

    pytest -p sdk_tests.execution_contexts --execution-contexts FOLDER

coverage.py notes all lines under the context that is in force, whichever thread executes them: so
those of the sync client's background thread belong to the test that is running. Processes that a
test starts begin to measure by coverage's `.pth` file, in the context that a variable names.

    test TEST              a test with the fixtures that are its own; TEST is pytest's node id
    fixture NAME SCOPE     a fixture that tests share; SCOPE is the node id of what has it
    file FILE              import and collection of a test file

FOLDER has `measure.ini`, coverage's settings, and gets data files and `fixtures-*.json`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from coverage import Coverage

OPTION = "--execution-contexts"
SETTINGS = "measure.ini"
VARIABLE = "SDK_TESTS_EXECUTION_CONTEXT"
"""The variable with the context of child processes, which SETTINGS must name."""
_START = "COVERAGE_PROCESS_START"  # names the settings, and has child processes measure


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option with the folder."""
    parser.addoption(OPTION, metavar="FOLDER", help="note which lines of the SDK each test executes")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to measure in a process that runs tests itself."""
    folder = config.getoption(OPTION)
    is_worker = hasattr(config, "workerinput")
    if folder is None or (config.getoption("numprocesses", None) and not is_worker):
        return
    from coverage import Coverage

    place = Path(folder).absolute()  # tests may change the current folder
    measurement = Coverage(config_file=str(place / SETTINGS), data_suffix=True)
    measurement.start()
    config.pluginmanager.register(ExecutionContexts(measurement, place), "sdk_tests.contexts")


class ExecutionContexts:
    """Switches contexts, and writes at the run's end what was measured."""

    def __init__(self, measurement: Coverage, folder: Path) -> None:
        self._measurement = measurement
        self._folder = folder
        self._test = ""  # the context of what runs beside shared fixtures
        self._fixtures: dict[str, list[str]] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Begin the context of a test file while it is imported and collected."""
        file = collector.nodeid.partition("::")[0]
        if not file.endswith(".py"):
            return (yield)
        self._begin_test(f"file {file}")
        try:
            return (yield)
        finally:
            self._begin_test("")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Begin the context of a test, and note the names of its fixtures."""
        self._fixtures[item.nodeid] = list(getattr(item, "fixturenames", ()))
        self._begin_test(f"test {item.nodeid}")
        try:
            return (yield)
        finally:
            self._begin_test("")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Begin the context of a shared fixture, for its setup and later for its teardown."""
        if fixturedef.scope == "function":
            return (yield)
        context = f"fixture {fixturedef.argname} {request.node.nodeid}"
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
        file = self._folder / f"fixtures-{os.getpid()}.json"
        file.write_text(json.dumps(self._fixtures), encoding="utf-8")

    def _begin_test(self, context: str) -> None:
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
