"""A pytest plugin for tests of applications: it finds or starts the host and loads test models.

`fixtures.py` has the fixtures; `docs/fixtures.md` is their reference. The main pytest process
chooses the host once a test needs it, and not at all if none does. An embedded server belongs to
the process that runs the tests: with pytest-xdist, each worker has one of its own. What only the
suites of this project need is the plugin `model_fixtures.pytest_plugin.suite`.

Every pytest run of the environment imports this module, so it imports the rest of the package late.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Generator
from collections.abc import Set as AbstractSet
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from .settings import HOST as HOST
from .settings import WIRE_LOG as WIRE_LOG_SETTING
from .settings import add_settings, given

if TYPE_CHECKING:
    from model_fixtures.for_apps.faults import Faults
    from model_fixtures.wire_log import WireLog

    from .host_provider import HostProvider
    from .local_host import LocalHost
    from .xdist_broker import XdistBroker

PROVIDER: pytest.StashKey[HostProvider] = pytest.StashKey()
NOTES: pytest.StashKey[list[str]] = pytest.StashKey()
BROKER: pytest.StashKey[XdistBroker] = pytest.StashKey()
WIRE_LOG: pytest.StashKey[WireLog | None] = pytest.StashKey()
FAULTS: pytest.StashKey[Faults] = pytest.StashKey()
WIRE_FOLDER = WIRE_LOG_SETTING.option
RESULTS = "--lmstudio-results"
SUITE = "model_fixtures.pytest_plugin.suite"

MARKER = "lmstudio_models"
MARKER_LINE = (
    f"{MARKER}(*keys): exactly these test models are loaded on the LM Studio host when the test "
    "starts; without keys all required ones"
)
# The fixtures that need a host, whatever a test asks of them.
FIXTURES = frozenset(
    (
        *("lmstudio_host", "lmstudio_client", "lmstudio_async_client", "lmstudio_models"),
        *("lmstudio_faults", "lmstudio_server"),
    )
)
# With these options no test runs, so the plugin looks for no host.
_PREVIEWS = ("collectonly", "showfixtures", "show_fixtures_per_test", "setupplan", "cacheshow")
WORKER_KEY = "model_fixtures"  # of our part in what xdist passes to and from workers
_ALL_DONE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
_MAKING = threading.RLock()
# Seconds after Ctrl-C until the embedded server ends, even if tests are still being torn down.
GRACE = 3.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the settings, and the option about results."""
    add_settings(parser)
    parser.getgroup("lmstudio").addoption(
        RESULTS,
        metavar="PATH",
        help="write what becomes of each test to this JSON file, or, if the path does not end "
        "with .json, to a new file in this folder; test:report makes a page of it",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and the fixtures."""
    from . import fixtures

    config.addinivalue_line("markers", MARKER_LINE)
    config.stash[NOTES] = []
    folder = given(config, WIRE_LOG_SETTING)
    if folder is not None:
        # Tests may change the current folder; workers of xdist get the option as it is now.
        config.option.lmstudio_wire_log = folder
        try:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 (pathlib is not imported here)
        except OSError as error:
            raise pytest.UsageError(
                f"{WIRE_FOLDER}: cannot make the folder {folder} ({error.strerror}): name another"
            ) from None
    config.pluginmanager.register(fixtures, "model_fixtures.fixtures")
    if config.pluginmanager.hasplugin("asyncio"):
        from . import asyncio_fixture

        config.pluginmanager.register(asyncio_fixture, "model_fixtures.asyncio_fixture")
    results = config.getoption(RESULTS)
    if results is not None and not is_preview(config):
        from .results_recorder import register

        # As above: a worker may start in another folder.
        config.option.lmstudio_results = os.path.abspath(results)  # noqa: PTH100
        register(config, results)


def provider_of(config: pytest.Config) -> HostProvider:
    """Return the access to the run's host; it is made once it is needed."""
    with _MAKING:  # requests of xdist's workers come in threads
        provider = config.stash.get(PROVIDER, None)
        if provider is None:
            from .host_of_run import make_provider

            config.stash[PROVIDER] = provider = make_provider(config, _sayer(config))
        return provider


def is_preview(config: pytest.Config) -> bool:
    """Return whether no test is going to run."""
    return any(config.getoption(option, False) for option in _PREVIEWS)


def is_suite(config: pytest.Config) -> bool:
    """Return whether the tests are one of this project's suites."""
    return bool(config.pluginmanager.hasplugin(SUITE))


def needs_host(item: pytest.Item) -> bool:
    """Return whether the test will ask for the host's address."""
    if item.get_closest_marker("skip"):
        return False
    if item.get_closest_marker(MARKER) or not FIXTURES.isdisjoint(
        getattr(item, "fixturenames", ())
    ):
        return True
    return is_suite(item.config) and item.get_closest_marker("lmstudio") is not None


def use_first(item: pytest.Item, fixture: str) -> None:
    """Have the fixture set up before all others of the item, session fixtures included.

    pytest reads `usefixtures` marks before conftests add theirs, so such a mark would come too
    late; an autouse fixture would cost something in every test, and come after session fixtures.
    """
    names = getattr(item, "fixturenames", None)
    if names is not None and fixture not in names[:1]:
        # All cases of a parametrized test share the old list, so this makes a new one.
        item.fixturenames = [  # type: ignore[attr-defined]
            fixture,
            *(name for name in names if name != fixture),
        ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give marked tests the fixture that loads the models."""
    for item in items:
        if item.get_closest_marker(MARKER) or MARKER in getattr(item, "fixturenames", ()):
            use_first(item, MARKER)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Choose the host if a test needs it; one that workers share keeps these tests together."""
    config = session.config
    if is_suite(config) or is_preview(config):
        return
    tests = [item.nodeid for item in session.items if needs_host(item)]
    if tests:
        # This hook runs first, so that the main process knows these tests before xdist schedules.
        provider_of(config).keep_together(tests)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin the test's wire log, once an SDK is there or the test is about to use a host."""
    stash = item.config.stash
    if WIRE_LOG not in stash:
        if "httpx_ws" not in sys.modules and not needs_host(item):
            return
        from .wire_reports import record

        stash[WIRE_LOG] = record(item.config)
    log = stash[WIRE_LOG]
    if log is not None:
        log.begin()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test whose faults have not all happened: it has proved nothing about them."""
    result = yield
    faults = item.stash.get(FAULTS, None)
    if faults is not None and faults.pending:
        what = ", ".join(faults.pending)
        pytest.fail(f"these faults have not happened: {what}", pytrace=False)
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add wire log and server log to the report of a failed test."""
    report = yield
    if report.failed:
        from .wire_reports import add_sections

        add_sections(item, report, call.start)
    elif report.when == "teardown" and item.config.getoption(WIRE_FOLDER) is not None:
        from .wire_reports import write_file

        write_file(item)
    return report


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Generator[None, Any, Any]:
    """Keep some tests in one worker and begin others early; without such tests do as xdist does."""
    from .xdist_scheduler import XdistScheduler

    scheduler = yield
    if is_preview(config) or config.getoption("dist") == "each":
        return scheduler
    return XdistScheduler(scheduler, config, log, lambda: _special(config))


def _special(config: pytest.Config) -> tuple[AbstractSet[str], AbstractSet[str]]:
    """Return which tests workers have asked to keep together, and which to begin early."""
    provider = config.stash.get(PROVIDER, None)
    if provider is None:  # no worker has a test that needs a host
        return frozenset(), frozenset()
    return provider.kept_together, provider.begun_early


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a new xdist worker how to ask for the host."""
    config = node.config
    if is_preview(config):
        return
    if BROKER not in config.stash:
        from .xdist_broker import XdistBroker

        # Nothing is imported for the host until a worker asks.
        config.stash[BROKER] = XdistBroker(lambda *asked: _answer(config, *asked))
        config.add_cleanup(config.stash[BROKER].close)
    broker = config.stash[BROKER]
    spread = config.getoption("dist") == "each" and len(node.nodemanager.specs) > 1
    node.workerinput[WORKER_KEY] = {"spread": spread, "port": broker.port, "key": broker.key}


def _answer(config: pytest.Config, request: str, arguments: list[str]) -> dict[str, Any]:
    provider_of(config)
    local = _local_host(config)
    assert local is not None  # this is the main process
    return local.answer(request, arguments)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over the notes of a worker that has finished."""
    output = getattr(node, "workeroutput", {})
    node.config.stash[NOTES].extend(output.get(WORKER_KEY, []))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Pass a worker's notes to the main process, and tell the server to end after all tests."""
    config = session.config
    provider = _local_host(config)
    if provider is not None and provider.crash is not None:
        config.stash[NOTES].append(provider.crash)
    if is_worker(config):
        output = config.workeroutput  # type: ignore[attr-defined]
        output[WORKER_KEY] = config.stash[NOTES]
    # In the main process, `dist` says whether all tests have been torn down.
    done = is_worker(config) or config.getoption("dist", "no") != "no"
    if provider is not None and done and exitstatus in _ALL_DONE:
        # All tests have been torn down; the server ends while the workers do.
        provider.begin_stop()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print notes about the host, and after failures the end of the embedded server's log."""
    provider = _local_host(config)
    failed = terminalreporter.stats.keys() & {"failed", "error"}
    log = provider.log if provider is not None and failed else None
    if log is not None:
        from model_fixtures.wire_log import Masker

        terminalreporter.section("embedded server's log, last lines")
        terminalreporter.write_line(Masker().mask(log) or "(it has logged nothing in this run)")
    notes = config.stash[NOTES]
    for note in dict.fromkeys(notes):
        terminalreporter.write_line(f"lmstudio: {note}")


def is_worker(config: pytest.Config) -> bool:
    """Return whether this process is an xdist worker."""
    return hasattr(config, "workerinput")


def _local_host(config: pytest.Config) -> LocalHost | None:
    provider = config.stash.get(PROVIDER, None)
    if provider is None:  # nothing has needed a host, so do not import the module
        return None
    from .local_host import LocalHost

    return provider if isinstance(provider, LocalHost) else None


def _sayer(config: pytest.Config) -> Any:
    def say(line: str) -> None:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None:
            return
        # Inside a fixture, pytest would capture the line and show it only if the test fails.
        capture = config.pluginmanager.get_plugin("capturemanager")
        with nullcontext() if capture is None else capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(line)

    return say
