"""Who knows the host's address: the process that pytest was started in, and its workers by asking.

Both kinds have the same interface, so that the rest of the plugin need not care.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

from model_fixtures.errors import ModelFixturesError
from model_fixtures.hosts import EmbeddedServerError, HostError, Selection, select
from model_fixtures.hosts.embedded_server import EmbeddedServer

from .xdist_broker import Broker, ask

_STOPPED = "the embedded server has been stopped"


class Provider(Protocol):
    """The host of a test run."""

    @property
    def own_server(self) -> bool:
        """Whether this project's server answers."""

    @property
    def description(self) -> str:
        """Which host and why, for people."""

    @property
    def kept_together(self) -> AbstractSet[str]:
        """Node ids of the tests that must run in one worker, as far as they are known here."""

    @property
    def begun_early(self) -> AbstractSet[str]:
        """Node ids of the tests to begin with, as far as they are known here."""

    @property
    def spread(self) -> bool:
        """Whether the tests run in several workers each, whatever is to be kept together."""

    def keep_together(self, tests: Sequence[str]) -> None:
        """Have the tests with these node ids run in one worker."""

    def begin_early(self, tests: Sequence[str]) -> None:
        """Have the tests with these node ids begin before most others."""

    def want(self) -> None:
        """Have the server started, if it is ours to start."""

    def address(self) -> str:
        """`host:port`, once the host is ready. Raises `HostError`."""


class LocalProvider:
    """The host as its owner sees it.

    Args:
        selection: what was decided.
        say: shows a line to the user.
    """

    def __init__(self, selection: Selection, say: Callable[[str], None]) -> None:
        self._selection = selection
        self._say = say
        self._lock = threading.Lock()
        self._server = EmbeddedServer()
        self._broker: Broker | None = None
        self._together: set[str] = set()
        self._early: set[str] = set()
        self._begun = False
        self._stopped = False
        self._problem: str | None = None

    @classmethod
    def choose(cls, option: str | None, say: Callable[[str], None]) -> LocalProvider:
        """Select a host. Raises `HostError`."""
        return cls(select(option, option="--lmstudio-host"), say)

    @property
    def own_server(self) -> bool:
        """Whether this project's server answers."""
        return self._selection.embedded

    @property
    def description(self) -> str:
        """Which host and why, for people."""
        host = self._selection.host
        name = "the embedded server" if host is None else host.address
        return f"{name} ({self._selection.reason})"

    @property
    def kept_together(self) -> AbstractSet[str]:
        """Node ids of the tests that must run in one worker, as far as workers have collected."""
        return self._together

    @property
    def begun_early(self) -> AbstractSet[str]:
        """Node ids of the tests to begin with, as far as workers have collected."""
        return self._early

    @property
    def spread(self) -> bool:
        """Never: the process that decides runs its tests itself."""
        return False

    def keep_together(self, tests: Sequence[str]) -> None:
        """Have the tests with these node ids run in one worker."""
        self._together.update(tests)

    def begin_early(self, tests: Sequence[str]) -> None:
        """Have the tests with these node ids begin before most others."""
        self._early.update(tests)

    def want(self) -> None:
        """Have the embedded server started, if that is the host.

        Comes back once the server's process runs; only missing weights make that take long.
        """
        with self._lock:
            if self._selection.host is None and not self._begun:
                self._begun = True
                self._begin()

    def address(self) -> str:
        """`host:port`, once the host is ready. Raises `HostError`."""
        if self._selection.host is not None:
            return self._selection.host.address
        self.want()
        if self._problem is not None:
            raise HostError(self._problem)
        try:
            return self._server.address
        except EmbeddedServerError as error:
            raise HostError(f"{error}\n{error.log}" if error.log else str(error)) from None

    @property
    def crash(self) -> str | None:
        """What to say if the embedded server has ended before the run."""
        status = self._server.exit_status
        return None if status is None else f"the embedded server has ended (exit status {status})"

    @property
    def log(self) -> str:
        """The last lines that the embedded server has logged."""
        return self._server.log_tail()

    def ticket(self, *, spread: bool = False) -> dict[str, Any]:
        """Return what a worker needs to make its `RemoteProvider`.

        Args:
            spread: whether every worker runs all tests.
        """
        if self._broker is None:
            self._broker = Broker(self._answer)
        return {
            "own_server": self.own_server,
            "spread": spread,
            "description": self.description,
            "port": self._broker.port,
            "key": self._broker.key,
        }

    def begin_stop(self) -> None:
        """Have the server end while other things do; `stop` still has to be called."""
        self._stopped = True
        self._server.begin_stop()

    def stop(self) -> None:
        """End what was started. `address` fails from now on."""
        if self._broker is not None:
            self._broker.close()
            self._broker = None
        self._stopped = True
        try:
            self._server.stop()
        except KeyboardInterrupt:  # once more: somebody is in a hurry
            self._server.kill()
            self._server.stop()

    def stop_after(self, seconds: float) -> None:
        """End the server in a while, in case the run's own end takes longer."""
        timer = threading.Timer(seconds, self._server.stop)
        timer.daemon = True
        timer.start()

    def _answer(self, request: str, tests: Sequence[str]) -> dict[str, Any]:
        if request == "keep together":
            self.keep_together(tests)
            return {}
        if request == "begin early":
            self.begin_early(tests)
            return {}
        if request == "want":
            # The worker is not to wait for it.
            threading.Thread(target=self.want, name="host", daemon=True).start()
            return {}
        try:
            return {"address": self.address()}
        except HostError as error:
            return {"problem": str(error)}

    def _begin(self) -> None:
        from model_fixtures.catalog import load_catalog
        from model_fixtures.host_models import ensure_weights

        try:
            ensure_weights(load_catalog(), self._report_download)
            self._server.start()
        except ModelFixturesError as error:
            self._problem = str(error)

    def _report_download(self, name: str, done: int, total: int) -> None:
        if self._stopped:
            # Ends the download.
            raise HostError(_STOPPED)
        from model_fixtures.weights import is_derived

        doing, did = ("making", "made") if is_derived(name) else ("fetching", "fetched")
        if done == 0:
            self._say(f"{doing} weights, once: {name} ({total / 1e6:.0f} MB)")
        elif done == total:
            self._say(f"{did} {name}")


class RemoteProvider:
    """The host as an xdist worker sees it.

    Args:
        ticket: made by the owner's `LocalProvider.ticket`.
    """

    def __init__(self, ticket: dict[str, Any]) -> None:
        self._ticket = ticket

    @property
    def own_server(self) -> bool:
        """Whether this project's server answers."""
        return bool(self._ticket["own_server"])

    @property
    def description(self) -> str:
        """Which host and why, for people."""
        return str(self._ticket["description"])

    @property
    def kept_together(self) -> AbstractSet[str]:
        """Unknown here: the owner distributes the tests."""
        return frozenset()

    @property
    def begun_early(self) -> AbstractSet[str]:
        """Unknown here: the owner distributes the tests."""
        return frozenset()

    @property
    def spread(self) -> bool:
        """Whether every worker runs all tests."""
        return bool(self._ticket["spread"])

    def keep_together(self, tests: Sequence[str]) -> None:
        """Tell the owner which tests must run in one worker."""
        self._ask("keep together", tests)

    def begin_early(self, tests: Sequence[str]) -> None:
        """Tell the owner which tests to begin with."""
        self._ask("begin early", tests)

    def want(self) -> None:
        """Have the owner start the embedded server, if that is the host."""
        self._ask("want")

    def address(self) -> str:
        """`host:port`, once the host is ready. Raises `HostError`."""
        answer = self._ask("address")
        if "address" not in answer:
            raise HostError(answer["problem"])
        return str(answer["address"])

    def _ask(self, request: str, tests: Sequence[str] = ()) -> dict[str, Any]:
        try:
            return ask(self._ticket["port"], self._ticket["key"], request, tests)
        except OSError:
            msg = "the test run that owns the embedded server has ended"
            raise HostError(msg) from None
