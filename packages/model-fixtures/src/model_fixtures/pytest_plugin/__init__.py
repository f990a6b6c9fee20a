"""A pytest plugin that finds or starts the host for tests and loads the models that they need.

The main pytest process chooses the host and owns the embedded server. Workers of pytest-xdist ask
it for the address. The server starts once a test that needs it has been collected, and not at all
if there is none.

Every pytest run of the environment imports this module, so it imports the rest of the package late.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from model_fixtures.default_ports import REST_PORT

if TYPE_CHECKING:
    from model_fixtures.wire_log import WireLog

    from .host_provider import HostProvider, LocalHostProvider

PROVIDER: pytest.StashKey[HostProvider] = pytest.StashKey()
NOTES: pytest.StashKey[list[str]] = pytest.StashKey()
WIRE_LOG: pytest.StashKey[WireLog | None] = pytest.StashKey()
WIRE_FOLDER = "--lmstudio-wire-log"
RESULTS = "--lmstudio-results"

MARKERS = (
    "lmstudio: needs an LM Studio host, which is found or started",
    "models: uses loaded models; runs in order in one worker; implies lmstudio",
    "slow: takes more than a second",
    "embedded: tests what only the embedded server can provoke; skipped on other hosts",
)
# With these options no test runs, so the plugin looks for no host.
_PREVIEWS = ("collectonly", "showfixtures", "show_fixtures_per_test", "setupplan", "cacheshow")
_WORKER_KEY = "model_fixtures"  # of our part in what xdist passes to and from workers
_ALL_DONE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
# Seconds after Ctrl-C until the embedded server ends, even if tests are still being torn down.
GRACE = 3.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options about hosts, the wire log and results."""
    group = parser.getgroup("lmstudio", "LM Studio hosts and models")
    group.addoption(
        "--lmstudio-host",
        metavar="HOST",
        help=f"host, host:port ({REST_PORT} if not given), or 'embedded'; default: "
        "LMSTUDIO_API_HOST, else a host that answers on the default ports, else the embedded "
        "server",
    )
    group.addoption(
        "--lmstudio-answer-unknown",
        action="store_true",
        help="have the embedded server of this run answer unknown calls and bad parameters with an "
        "error; without this it sends only a warning, as LM Studio does, and the caller waits "
        "until its own time-out",
    )
    group.addoption(
        WIRE_FOLDER,
        metavar="FOLDER",
        help="write all frames of each test, whole, with the server's log lines of that time, to a "
        "file in this folder; without this only failed tests show them, the longest ones shortened",
    )
    group.addoption(
        RESULTS,
        metavar="PATH",
        help="write what becomes of each test to this JSON file, or, if the path does not end "
        "with .json, to a new file in this folder; test:report makes a page of it",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register markers and fixtures."""
    from model_fixtures.pytest_plugin import fixtures

    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    config.stash[NOTES] = []
    folder = config.getoption(WIRE_FOLDER)
    if folder is not None:
        # Tests may change the current folder; workers of xdist get the option as it is now.
        folder = config.option.lmstudio_wire_log = os.path.abspath(folder)  # noqa: PTH100
        try:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 (pathlib is not imported here)
        except OSError as error:
            raise pytest.UsageError(
                f"{WIRE_FOLDER}: cannot make the folder {folder} ({error.strerror}): name another"
            ) from None
    config.pluginmanager.register(fixtures, "model_fixtures.fixtures")
    results = config.getoption(RESULTS)
    if results is not None and not any(config.getoption(option, False) for option in _PREVIEWS):
        from .results_recorder import register

        # As above: a worker may start in another folder.
        config.option.lmstudio_results = os.path.abspath(results)  # noqa: PTH100
        register(config, results)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Choose the host; in a worker, use the one that the main process has chosen."""
    config = session.config
    if any(config.getoption(option, False) for option in _PREVIEWS):
        return
    from model_fixtures.hosts import HostError

    from . import host_provider

    if is_worker(config):
        worker_input = config.workerinput[_WORKER_KEY]  # type: ignore[attr-defined]
        config.stash[PROVIDER] = host_provider.RemoteHostProvider(worker_input)
        return
    try:
        local = host_provider.LocalHostProvider.choose(
            config.getoption("--lmstudio-host"),
            _sayer(config),
            ["--answer-unknown"] if config.getoption("--lmstudio-answer-unknown") else [],
        )
    except HostError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[PROVIDER] = local
    config.add_cleanup(local.stop)
    config.pluginmanager.register(Interrupts(local), "model_fixtures.interrupts")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Return lines that say which host is used and why, and which SDK release is under test."""
    from .sdk_description import describe_sdk

    provider = config.stash.get(PROVIDER, None)
    lines = [] if provider is None else [f"lmstudio host: {provider.description}"]
    sdk = describe_sdk()
    return lines if sdk is None else [*lines, f"lmstudio SDK: {sdk}"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give items the marks and fixtures that their marks imply.

    This runs after conftests have added their marks, and before -m selects tests by them.
    """
    _mark(config, items)


def _mark(config: pytest.Config, items: list[pytest.Item]) -> None:
    from .apply_markers import mark_items

    provider = config.stash.get(PROVIDER, None)
    mark_items(items, None if provider is None or provider.own_server else provider.description)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which tests are special, and start the embedded server if one needs it."""
    from .apply_markers import is_slow, needs_host, touches_models

    _mark(session.config, session.items)  # again, since other hooks may have added marks
    provider = session.config.stash.get(PROVIDER, None)
    if provider is None:
        return
    # This hook runs first, so that the main process knows these tests before xdist schedules.
    provider.begin_early([item.nodeid for item in session.items if is_slow(item)])
    if any(map(needs_host, session.items)):
        provider.keep_together([item.nodeid for item in session.items if touches_models(item)])
        provider.begin_start()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin the test's wire log, once an SDK is there or the test is about to use a host."""
    stash = item.config.stash
    if WIRE_LOG not in stash:
        from .apply_markers import needs_host

        if "httpx_ws" not in sys.modules and not needs_host(item):
            return
        from .wire_reports import record

        stash[WIRE_LOG] = record(item.config)
    log = stash[WIRE_LOG]
    if log is not None:
        log.begin()


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
    """Keep tests marked `models` in one worker and start slow ones early; else do as xdist does."""
    from .xdist_scheduler import XdistScheduler

    scheduler = yield
    provider = config.stash.get(PROVIDER, None)
    if provider is None or config.getoption("dist") == "each":
        return scheduler
    return XdistScheduler(scheduler, config, log, provider.kept_together, provider.begun_early)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a new xdist worker how to ask for the host."""
    provider = node.config.stash.get(PROVIDER, None)
    if provider is not None:
        spread = node.config.getoption("dist") == "each" and len(node.nodemanager.specs) > 1
        node.workerinput[_WORKER_KEY] = provider.worker_input(spread=spread)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over the notes of a worker that has finished."""
    output = getattr(node, "workeroutput", {})
    node.config.stash[NOTES].extend(output.get(_WORKER_KEY, []))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Pass a worker's notes to the main process, which tells its server to end after all tests."""
    config = session.config
    if is_worker(config):
        output = config.workeroutput  # type: ignore[attr-defined]
        output[_WORKER_KEY] = config.stash[NOTES]
        return
    provider = _local_provider(config)
    if provider is None:
        return
    if provider.crash is not None:
        config.stash[NOTES].append(provider.crash)
    if config.getoption("dist", "no") != "no" and exitstatus in _ALL_DONE:
        # All tests have been torn down; the server ends while the workers do.
        provider.begin_stop()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print notes about the host, and after failures the end of the embedded server's log."""
    provider = _local_provider(config)
    failed = terminalreporter.stats.keys() & {"failed", "error"}
    log = provider.log if provider is not None and failed else None
    if log is not None:
        from model_fixtures.wire_log import Masker

        terminalreporter.section("embedded server's log, last lines")
        terminalreporter.write_line(Masker().mask(log) or "(it has logged nothing in this run)")
    notes = config.stash[NOTES]
    for note in dict.fromkeys(notes):
        terminalreporter.write_line(f"lmstudio: {note}")


class Interrupts:
    """A plugin that ends the embedded server soon after Ctrl-C, even if teardown takes long."""

    def __init__(self, provider: LocalHostProvider) -> None:
        self._provider = provider

    def pytest_keyboard_interrupt(self) -> None:
        """Have the embedded server end after the grace period."""
        self._provider.stop_after(GRACE)


def is_worker(config: pytest.Config) -> bool:
    """Return whether this process is an xdist worker."""
    return hasattr(config, "workerinput")


def _local_provider(config: pytest.Config) -> LocalHostProvider | None:
    provider = config.stash.get(PROVIDER, None)
    if provider is None:  # no test runs, so do not import the module
        return None
    from .host_provider import LocalHostProvider

    return provider if isinstance(provider, LocalHostProvider) else None


def _sayer(config: pytest.Config) -> Any:
    def say(line: str) -> None:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(line)

    return say
