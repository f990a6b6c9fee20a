"""Access to the host in the process that owns the embedded server, if there is one.

That is the main process. Where workers of xdist share no server, it is each worker, which asks the
main process only which host there is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from model_fixtures.errors import ModelFixturesError
from model_fixtures.for_apps.exact_models import ExactModels
from model_fixtures.for_apps.host import Host
from model_fixtures.for_apps.server import Server
from model_fixtures.for_apps.server_options import ServerOptions
from model_fixtures.hosts import EmbeddedServerError, HostError, HostSelection
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.hosts.spawn_server import tail

_STOPPED = "the embedded server has been stopped"


class LocalHost:
    """The host in the process that owns the embedded server.

    Args:
        select: chooses the host, once it is needed.
        say: shows a line to the user.
        options: what the embedded server is told; `configure` changes it until the server starts.
        shared: whether workers of xdist share the embedded server. Then all weights are fetched
            before it starts; otherwise each model's are when it is loaded.
        announce: whether the host is shown to the user once it is chosen.
    """

    def __init__(
        self,
        select: Callable[[], HostSelection],
        say: Callable[[str], None],
        options: ServerOptions,
        *,
        shared: bool = False,
        announce: bool = False,
    ) -> None:
        self._select = select
        self._say = say
        self._shared = shared
        self._announce = announce
        self._lock = threading.Lock()
        self._selecting = threading.Lock()
        self._selected: HostSelection | HostError | None = None
        self._server = Server(options, self._report_download)
        self._models: ExactModels | None = None
        self._together: set[str] = set()
        self._early: set[str] = set()
        self._begun = False
        self._stopped = False
        self._problem: str | None = None
        self._chosen_at = time.time()

    def configure(self, options: ServerOptions) -> None:
        """Change what the embedded server is told; without effect once it has been started."""
        with self._lock:
            if not self._begun and options != self._server.options:
                self._server = Server(options, self._report_download)

    def selection(self) -> HostSelection:
        """Return the host, which is chosen once.

        Raises:
            HostError: the named host is malformed or does not answer.
        """
        with self._selecting:
            new = self._selected is None
            if self._selected is None:
                try:
                    self._selected = self._select()
                except HostError as error:
                    self._selected = error
            selected = self._selected
        if new and self._announce:
            self._say(f"lmstudio host: {self.description}")
        if isinstance(selected, HostError):
            raise HostError(str(selected))
        return selected

    @property
    def own_server(self) -> bool:
        """Whether the host is this project's server."""
        try:
            return self.selection().embedded
        except HostError:
            return False

    @property
    def description(self) -> str:
        """The host and the reason for it, for users."""
        try:
            selection = self.selection()
        except HostError as error:
            return f"none ({error})"
        name = "the embedded server" if selection.host is None else selection.host.address
        return f"{name} ({selection.reason})"

    @property
    def server(self) -> EmbeddedServer:
        """The embedded server, whether it has been started or not."""
        return self._server.process

    @property
    def test_server(self) -> Server | None:
        """The server that is this run's own; None if the host is another.

        Raises:
            HostError: the named host is malformed or does not answer.
        """
        return self._server if self.selection().host is None else None

    @property
    def models(self) -> ExactModels:
        """What loads the test models on the host."""
        if self._models is None:
            own = self.test_server
            self._models = (
                own.models
                if own is not None
                else ExactModels(lambda: Host(self.address()), self._server.options, own=False)
            )
        return self._models

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
        """Have the tests with these node ids run in one worker, unless each has its own server."""
        if self._shared or self._is_another():
            self._together.update(tests)

    def begin_early(self, tests: Sequence[str]) -> None:
        """Have the tests with these node ids begin before most others."""
        self._early.update(tests)

    def begin_start(self) -> None:
        """Start the embedded server if it is the host; do not wait until it is ready.

        Missing weights are fetched before that, which may take long.
        """
        if self._is_another():
            return
        with self._lock:
            if not self._begun:
                self._begun = True
                self._begin()

    def address(self) -> str:
        """Wait until the host is ready and return its `host:port`.

        Raises:
            HostError: no host answers, or the embedded server could not be started.
        """
        host = self.selection().host
        if host is not None:
            return host.address
        self.begin_start()
        if self._problem is not None:
            raise HostError(self._problem)
        try:
            return self._server.host
        except EmbeddedServerError as error:
            raise HostError(f"{error}\n{error.log}" if error.log else str(error)) from None

    @property
    def crash(self) -> str | None:
        """A message if the embedded server has ended by itself, else None."""
        status = self.server.exit_status
        return None if status is None else f"the embedded server has ended (exit status {status})"

    @property
    def log(self) -> str | None:
        """The last lines of the embedded server's log in this run; None if it is not in reach."""
        if self._selected is None:  # no test has needed it
            return None
        if not self._is_another():
            return self._server.log_tail() if self._begun else None
        log = self.log_since(self._chosen_at)
        return None if log is None else tail(log)

    def log_since(self, start: float) -> str | None:
        """Return what the embedded server has logged since a moment, in seconds since the epoch.

        None if the log is not in reach: this run has not started the server, nor has
        `models:start` on this machine.
        """
        try:
            host = self.selection().host
        except HostError:
            return None
        if host is None:
            return self._server.log_since(start)
        from model_fixtures.hosts import background_server

        return background_server.log_since(host.address, start)

    def begin_stop(self) -> None:
        """Tell the embedded server to end without waiting; call `stop` afterwards."""
        self._stopped = True
        self.server.begin_stop()

    def stop(self) -> None:
        """End everything that was started; `address` raises an error from now on."""
        self._stopped = True
        try:
            self.server.stop()
        except KeyboardInterrupt:  # the user does not want to wait
            self.server.kill()
            self.server.stop()

    def stop_after(self, seconds: float) -> None:
        """End the server after some seconds, unless the run has ended by then."""
        timer = threading.Timer(seconds, lambda: self.server.stop())
        timer.daemon = True
        timer.start()

    def answer(self, request: str, arguments: Sequence[str]) -> dict[str, Any]:
        """Answer a request of an xdist worker, as its access to the host sends them."""
        if request == "keep together":
            self.keep_together(arguments)
            return {}
        if request == "begin early":
            self.begin_early(arguments)
            return {}
        if request == "log":
            return {"log": self.log_since(float(arguments[0]))}
        if request == "say":
            self._say(arguments[0])
            return {}
        if request == "describe":
            return {"own_server": self.own_server, "description": self.description}
        if request == "select":
            try:
                return {"selection": msgspec.to_builtins(self.selection())}
            except HostError as error:
                return {"problem": str(error)}
        if request == "begin start":
            # The worker does not wait for missing weights.
            threading.Thread(target=self.begin_start, name="host", daemon=True).start()
            return {}
        try:
            return {"address": self.address()}
        except HostError as error:
            return {"problem": str(error)}

    def _is_another(self) -> bool:
        """Return whether the host is another than the embedded server, or there is none."""
        try:
            return self.selection().host is not None
        except HostError:
            return True

    def _begin(self) -> None:
        from model_fixtures.catalog import read_catalog
        from model_fixtures.host_models import ensure_weights

        try:
            if self._shared:
                ensure_weights(read_catalog(), self._report_download)
            self.server.start()
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
