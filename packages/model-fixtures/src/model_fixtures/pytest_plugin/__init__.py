"""pytest plugin: finds or starts the host that tests talk to, and loads the models they need.

The process that pytest was started in decides on the host and owns the embedded server. Under
pytest-xdist its workers ask it for the address, so the server starts when the first test that
needs it has been collected, and never otherwise.

Every pytest run of the environment imports this module: it imports the rest of the package late.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .host_provider import LocalProvider, Provider

PROVIDER: pytest.StashKey[Provider] = pytest.StashKey()
NOTES: pytest.StashKey[list[str]] = pytest.StashKey()

MARKERS = (
    "lmstudio: needs an LM Studio host; one is found or started",
    "models: touches loaded models: runs in order and in one worker; implies lmstudio",
    "slow: takes over a second",
    "embedded: only the embedded server can provoke it; skipped on other hosts",
)
# With these options no test runs, so nothing is probed or started.
_PREVIEWS = ("collectonly", "showfixtures", "show_fixtures_per_test", "setupplan", "cacheshow")
_TICKET = "model_fixtures"
_ALL_DONE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
# Seconds that teardown gets after Ctrl-C before the embedded server ends under it.
GRACE = 3.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--lmstudio-host`."""
    group = parser.getgroup("lmstudio", "LM Studio hosts and models")
    group.addoption(
        "--lmstudio-host",
        metavar="HOST",
        help="host, host:port (1234 if not given), or 'embedded'; default: LMSTUDIO_API_HOST, "
        "else a host that answers on the default ports, else the embedded server",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register markers and fixtures."""
    from model_fixtures.pytest_plugin import fixtures

    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    config.stash[NOTES] = []
    config.pluginmanager.register(fixtures, "model_fixtures.fixtures")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Decide on the host, or take over the decision when this is a worker."""
    config = session.config
    if any(config.getoption(option, False) for option in _PREVIEWS):
        return
    from model_fixtures.hosts import HostError

    from . import host_provider

    if is_worker(config):
        ticket = config.workerinput[_TICKET]  # type: ignore[attr-defined]
        config.stash[PROVIDER] = host_provider.RemoteProvider(ticket)
        return
    try:
        named = config.getoption("--lmstudio-host")
        local = host_provider.LocalProvider.choose(named, _sayer(config))
    except HostError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[PROVIDER] = local
    config.add_cleanup(local.stop)
    config.pluginmanager.register(Interrupts(local), "model_fixtures.interrupts")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which host is used and why, and which SDK release is under test."""
    from contextlib import suppress
    from importlib.metadata import PackageNotFoundError, version

    provider = config.stash.get(PROVIDER, None)
    lines = [] if provider is None else [f"lmstudio host: {provider.description}"]
    with suppress(PackageNotFoundError):
        lines.append(f"lmstudio SDK: {version('lmstudio')}")
    return lines


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give items the marks and fixtures that their marks imply.

    Conftests have added their marks before, and -m looks at them after that.
    """
    _mark(config, items)


def _mark(config: pytest.Config, items: list[pytest.Item]) -> None:
    from .markers import mark_items

    provider = config.stash.get(PROVIDER, None)
    mark_items(items, None if provider is None or provider.own_server else provider.description)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Say which tests are special, and have the embedded server started if one needs it."""
    from .markers import is_slow, needs_host, touches_models

    _mark(session.config, session.items)  # once more: others may have added marks meanwhile
    provider = session.config.stash.get(PROVIDER, None)
    if provider is None:
        return
    # First of these hooks, so that the controller knows before xdist schedules.
    provider.begin_early([item.nodeid for item in session.items if is_slow(item)])
    if any(map(needs_host, session.items)):
        provider.keep_together([item.nodeid for item in session.items if touches_models(item)])
        provider.want()


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Generator[None, Any, Any]:
    """Distribute tests as xdist would, but those marked `models` to one worker, slow ones first."""
    from .xdist_scheduler import ChosenScheduler

    scheduler = yield
    provider = config.stash.get(PROVIDER, None)
    if provider is None or config.getoption("dist") == "each":
        return scheduler
    return ChosenScheduler(scheduler, config, log, provider.kept_together, provider.begun_early)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a new xdist worker how to get at the host."""
    provider = node.config.stash.get(PROVIDER, None)
    if provider is not None:
        spread = node.config.getoption("dist") == "each" and len(node.nodemanager.specs) > 1
        node.workerinput[_TICKET] = provider.ticket(spread=spread)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what a finished worker has noted."""
    output = getattr(node, "workeroutput", {})
    node.config.stash[NOTES].extend(output.get(_TICKET, []))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Hand a worker's notes to the process that reports; when all is done the server can go."""
    config = session.config
    if is_worker(config):
        output = config.workeroutput  # type: ignore[attr-defined]
        output[_TICKET] = config.stash[NOTES]
        return
    provider = _local_provider(config)
    if provider is None:
        return
    if provider.crash is not None:
        config.stash[NOTES].append(provider.crash)
    if config.getoption("dist", "no") != "no" and exitstatus in _ALL_DONE:
        # All workers have torn their tests down, and take a moment to end as well.
        provider.begin_stop()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print what fixtures had to say about the host, and its log after failures."""
    provider = _local_provider(config)
    failed = terminalreporter.stats.keys() & {"failed", "error"}
    log = provider.log if provider is not None and failed else ""
    if log:
        terminalreporter.section("embedded server's log, last lines")
        terminalreporter.write_line(log)
    notes = config.stash[NOTES]
    for note in dict.fromkeys(notes):
        terminalreporter.write_line(f"lmstudio: {note}")


class Interrupts:
    """Sees to it that a slow teardown does not keep models busy long after Ctrl-C."""

    def __init__(self, provider: LocalProvider) -> None:
        self._provider = provider

    def pytest_keyboard_interrupt(self) -> None:
        """Set the embedded server a deadline."""
        self._provider.stop_after(GRACE)


def is_worker(config: pytest.Config) -> bool:
    """Return whether this process is an xdist worker."""
    return hasattr(config, "workerinput")


def _local_provider(config: pytest.Config) -> LocalProvider | None:
    provider = config.stash.get(PROVIDER, None)
    if provider is None:  # no test runs: nothing has been imported
        return None
    from .host_provider import LocalProvider

    return provider if isinstance(provider, LocalProvider) else None


def _sayer(config: pytest.Config) -> Any:
    def say(line: str) -> None:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(line)

    return say
