"""Access to the host: direct in the main pytest process, by requests to it in xdist workers.

Both kinds have the same interface, so the rest of the plugin need not distinguish them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

from model_fixtures.errors import ModelFixturesError
from model_fixtures.hosts import EmbeddedServerError, HostError, HostSelection, select_host
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.hosts.spawn_server import tail

from .xdist_broker import XdistBroker, ask

_STOPPED = "the embedded server has been stopped"


class HostProvider(Protocol):
    """The host of a test run."""

    @property
    def own_server(self) -> bool:
        """Whether the host is this project's server."""

    @property
    def description(self) -> str:
        """The host and the reason for it, for users."""

    @property
    def server(self) -> EmbeddedServer | None:
        """The embedded server if this process owns it."""

    @property
    def kept_together(self) -> AbstractSet[str]:
        """The node ids of the tests that must run in one worker, as far as they are known here."""

    @property
    def begun_early(self) -> AbstractSet[str]:
        """The node ids of the tests to begin with, as far as they are known here."""

    @property
    def spread(self) -> bool:
        """Whether each test runs in several workers, so that none can be kept together."""

    def keep_together(self, tests: Sequence[str]) -> None:
        """Have the tests with these node ids run in one worker."""

    def begin_early(self, tests: Sequence[str]) -> None:
        """Have the tests with these node ids begin before most others."""

    def begin_start(self) -> None:
        """Have the embedded server started if it is the host; do not wait until it is ready."""

    def address(self) -> str:
        """Wait until the host is ready and return its `host:port`.

        Raises:
            HostError: the embedded server could not be started.
        """

    def log_since(self, start: float) -> str | None:
        """Return what the host has logged since a moment; None if its log is not in reach.

        Args:
            start: seconds since the epoch.

        Raises:
            HostError: the main process has ended.
        """


class LocalHostProvider:
    """The host in the main process, which owns the embedded server.

    Args:
        selection: the host that was chosen.
        say: shows a line to the user.
        arguments: options of `python -m model_fixtures serve` for the embedded server.
    """

    def __init__(
        self,
        selection: HostSelection,
        say: Callable[[str], None],
        arguments: Sequence[str] = (),
    ) -> None:
        self._selection = selection
        self._say = say
        self._lock = threading.Lock()
        self._server = EmbeddedServer(arguments)
        self._broker: XdistBroker | None = None
        self._together: set[str] = set()
        self._early: set[str] = set()
        self._begun = False
        self._stopped = False
        self._problem: str | None = None
        self._chosen_at = time.time()

    @classmethod
    def choose(
        cls, option: str | None, say: Callable[[str], None], arguments: Sequence[str] = ()
    ) -> LocalHostProvider:
        """Choose the host by the value of `--lmstudio-host`; the others are as for the class.

        Raises:
            HostError: the named host is malformed or does not answer.
        """
        return cls(select_host(option, option="--lmstudio-host"), say, arguments)

    @property
    def own_server(self) -> bool:
        """Whether the host is this project's server."""
        return self._selection.embedded

    @property
    def description(self) -> str:
        """The host and the reason for it, for users."""
        host = self._selection.host
        name = "the embedded server" if host is None else host.address
        return f"{name} ({self._selection.reason})"

    @property
    def server(self) -> EmbeddedServer:
        """The embedded server, whether it has been started or not."""
        return self._server

    @property
    def kept_together(self) -> AbstractSet[str]:
        """The node ids of the tests that must run in one worker; complete after collection."""
        return self._together

    @property
    def begun_early(self) -> AbstractSet[str]:
        """The node ids of the tests to begin with; complete after collection."""
        return self._early

    @property
    def spread(self) -> bool:
        """Always False: the tests that this process runs itself run once."""
        return False

    def keep_together(self, tests: Sequence[str]) -> None:
        """Have the tests with these node ids run in one worker."""
        self._together.update(tests)

    def begin_early(self, tests: Sequence[str]) -> None:
        """Have the tests with these node ids begin before most others."""
        self._early.update(tests)

    def begin_start(self) -> None:
        """Start the embedded server if it is the host; do not wait until it is ready.

        Missing weights are fetched before that, which may take long.
        """
        with self._lock:
            if self._selection.host is None and not self._begun:
                self._begun = True
                self._begin()

    def address(self) -> str:
        """Wait until the host is ready and return its `host:port`.

        Raises:
            HostError: the embedded server could not be started.
        """
        if self._selection.host is not None:
            return self._selection.host.address
        self.begin_start()
        if self._problem is not None:
            raise HostError(self._problem)
        try:
            return self._server.address
        except EmbeddedServerError as error:
            raise HostError(f"{error}\n{error.log}" if error.log else str(error)) from None

    @property
    def crash(self) -> str | None:
        """A message if the embedded server has ended by itself, else None."""
        status = self._server.exit_status
        return None if status is None else f"the embedded server has ended (exit status {status})"

    @property
    def log(self) -> str | None:
        """The last lines of the embedded server's log in this run; None if it is not in reach."""
        if self._selection.host is None:
            return self._server.log_tail() if self._begun else None
        log = self.log_since(self._chosen_at)
        return None if log is None else tail(log)

    def log_since(self, start: float) -> str | None:
        """Return what the embedded server has logged since a moment, in seconds since the epoch.

        None if the log is not in reach: this run has not started the server, nor has
        `models:start` on this machine.
        """
        host = self._selection.host
        if host is None:
            return self._server.log_since(start)
        from model_fixtures.hosts import background_server

        return background_server.log_since(host.address, start)

    def worker_input(self, *, spread: bool = False) -> dict[str, Any]:
        """Return the input with which a worker makes its `RemoteHostProvider`.

        Args:
            spread: whether each of several workers runs all tests.
        """
        if self._broker is None:
            self._broker = XdistBroker(self._answer)
        return {
            "own_server": self.own_server,
            "spread": spread,
            "description": self.description,
            "port": self._broker.port,
            "key": self._broker.key,
        }

    def begin_stop(self) -> None:
        """Tell the embedded server to end without waiting; call `stop` afterwards."""
        self._stopped = True
        self._server.begin_stop()

    def stop(self) -> None:
        """End everything that was started; `address` raises an error from now on."""
        if self._broker is not None:
            self._broker.close()
            self._broker = None
        self._stopped = True
        try:
            self._server.stop()
        except KeyboardInterrupt:  # the user does not want to wait
            self._server.kill()
            self._server.stop()

    def stop_after(self, seconds: float) -> None:
        """End the server after some seconds, unless the run has ended by then."""
        timer = threading.Timer(seconds, self._server.stop)
        timer.daemon = True
        timer.start()

    def _answer(self, request: str, arguments: Sequence[str]) -> dict[str, Any]:
        if request == "keep together":
            self.keep_together(arguments)
            return {}
        if request == "begin early":
            self.begin_early(arguments)
            return {}
        if request == "log":
            return {"log": self.log_since(float(arguments[0]))}
        if request == "begin start":
            # The worker does not wait for missing weights.
            threading.Thread(target=self.begin_start, name="host", daemon=True).start()
            return {}
        try:
            return {"address": self.address()}
        except HostError as error:
            return {"problem": str(error)}

    def _begin(self) -> None:
        from model_fixtures.catalog import read_catalog
        from model_fixtures.host_models import ensure_weights

        try:
            ensure_weights(read_catalog(), self._report_download)
            self._server.start()
        except ModelFixturesError as error:
            self._problem = str(error)

    def _report_download(self, name: str, done: int, total: int) -> None:
        if self._stopped:
            # The error ends the download.
            raise HostError(_STOPPED)
        from model_fixtures.weights import is_derived

        doing, did = ("making", "made") if is_derived(name) else ("fetching", "fetched")
        if done == 0:
            self._say(f"{doing} weights, once: {name} ({total / 1e6:.0f} MB)")
        elif done == total:
            self._say(f"{did} {name}")


class RemoteHostProvider:
    """The host in an xdist worker, which asks the main process for it.

    Args:
        worker_input: made by `LocalHostProvider.worker_input` in the main process.
    """

    def __init__(self, worker_input: dict[str, Any]) -> None:
        self._input = worker_input

    @property
    def own_server(self) -> bool:
        """Whether the host is this project's server."""
        return bool(self._input["own_server"])

    @property
    def description(self) -> str:
        """The host and the reason for it, for users."""
        return str(self._input["description"])

    @property
    def server(self) -> None:
        """Always None: the main process owns it."""
        return

    @property
    def kept_together(self) -> AbstractSet[str]:
        """Always empty: only the main process, which distributes the tests, knows them."""
        return frozenset()

    @property
    def begun_early(self) -> AbstractSet[str]:
        """Always empty: only the main process, which distributes the tests, knows them."""
        return frozenset()

    @property
    def spread(self) -> bool:
        """Whether each of several workers runs all tests."""
        return bool(self._input["spread"])

    def keep_together(self, tests: Sequence[str]) -> None:
        """Tell the main process which tests must run in one worker."""
        self._ask("keep together", tests)

    def begin_early(self, tests: Sequence[str]) -> None:
        """Tell the main process which tests to begin with."""
        self._ask("begin early", tests)

    def begin_start(self) -> None:
        """Have the main process start the embedded server if it is the host."""
        self._ask("begin start")

    def address(self) -> str:
        """Wait until the host is ready and return its `host:port`.

        Raises:
            HostError: the embedded server could not be started, or the main process has ended.
        """
        answer = self._ask("address")
        if "address" not in answer:
            raise HostError(answer["problem"])
        return str(answer["address"])

    def log_since(self, start: float) -> str | None:
        """Return what the host has logged since a moment; None if its log is not in reach."""
        log = self._ask("log", [repr(start)])["log"]
        return None if log is None else str(log)

    def _ask(self, request: str, arguments: Sequence[str] = ()) -> dict[str, Any]:
        try:
            return ask(self._input["port"], self._input["key"], request, arguments)
        except OSError:
            raise HostError("the test run that owns the embedded server has ended") from None
