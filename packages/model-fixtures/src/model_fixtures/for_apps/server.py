"""A server for tests, with which they may do what they want."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.hosts.server_log_lines import lines_since
from model_fixtures.hosts.spawn_server import SERVER_TOKEN_VARIABLE, tail
from model_fixtures.weights import OnProgress

from .host import Host
from .server_options import ServerOptions

if TYPE_CHECKING:
    from .exact_models import ExactModels
    from .faults import Faults


class Server:
    """A server that speaks LM Studio's protocol, on a loopback port of its own.

    It ends with this process, whatever happens. `model_fixtures.serve` and the fixture
    `lmstudio_server` make one.

    Args:
        options: what the server is told.
        on_progress: called while weights are fetched or made.
    """

    def __init__(self, options: ServerOptions, on_progress: OnProgress | None = None) -> None:
        self.options = options
        self._on_progress = on_progress
        self._models: ExactModels | None = None
        self._earlier = ""  # the log of the processes before this one
        self._starting = threading.Lock()
        self._port = 0
        self._defaults = ExitStack()
        self.process = self._new_process()

    @property
    def host(self) -> Host:
        """The server's `host:port`; starts the server and waits until it is ready.

        Raises:
            HostError: it could not be started, or has ended.
        """
        address = self.process.address
        self._port = int(address.rpartition(":")[2])
        return Host(address, self.token)

    @property
    def token(self) -> str | None:
        """The API token that clients need; None if they need none."""
        return self.options.token

    @property
    def log(self) -> str:
        """All that the server has logged, also before it was started again."""
        return self._earlier + self.process.log()

    @property
    def running(self) -> bool:
        """Whether the server's process runs."""
        return self.process.pid is not None and self.process.ended is None

    @property
    def loaded(self) -> list[str]:
        """The identifiers of the loaded models, in alphabetical order."""
        from model_fixtures.host_models import open_host_session
        from model_fixtures.wire_client import Credentials

        from .in_thread import run_in_thread

        host = self.host
        credentials = None if host.token is None else Credentials.from_token(host.token)

        async def listed() -> list[str]:
            async with open_host_session(host, credentials) as session:
                return sorted(each.identifier for each in (await session.inventory()).loaded)

        return run_in_thread(listed)

    def load(self, *keys: str) -> tuple[str, ...]:
        """Have exactly these test models loaded under their keys, and return the keys.

        Without keys all required ones. All other models are unloaded.

        Raises:
            ModelFixturesError: there is no such model, or it cannot be fetched or loaded.
        """
        return self.models.load(keys)

    def kill(self) -> None:
        """Kill the server, as if it had crashed: all connections break. `restart` starts it anew.

        Its process has ended when this returns.
        """
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """End the server, if it runs, and start it on the same port; no model is loaded then."""
        with self._starting:
            log = self.process.log()
            self.process.stop()
            self._earlier += log if not log or log.endswith("\n") else log + "\n"
            self.process = self._new_process()
        self.process.wait_ready()

    def use_as_default(self) -> None:
        """Make this server the one that `lmstudio.Client()` finds, until the end of the test.

        `Host.as_default` says what changes.
        """
        self._defaults.enter_context(self.host.as_default())

    def end_default(self) -> None:
        """Undo `use_as_default`."""
        self._defaults.close()

    @contextmanager
    def faults(self) -> Iterator[Faults]:
        """Provide a host in front of this server in the block, for faults on purpose.

        Raises:
            FaultError: at the end of the block, if a fault has not happened.
        """
        from .faults import open_faults

        with open_faults(self.host) as faults:
            yield faults
            faults.check()

    @property
    def models(self) -> ExactModels:
        """What loads the test models."""
        from .exact_models import ExactModels

        if self._models is None:
            here = weakref.ref(self)  # a cycle would keep the process until garbage collection

            def host() -> Host:
                server = here()
                assert server is not None
                return server.host

            self._models = ExactModels(host, self.options, own=True, on_progress=self._on_progress)
        return self._models

    def log_since(self, start: float) -> str:
        """Return the lines that the server has logged since `start` (seconds since the epoch)."""
        return lines_since(self.log, start)

    def log_tail(self) -> str:
        """Return the log's last lines."""
        return tail(self.log)

    def _new_process(self) -> EmbeddedServer:
        return EmbeddedServer(self.options.arguments(), environ=self._environ(), port=self._port)

    def _environ(self) -> Callable[[], dict[str, str]]:
        """Return what returns the environment of a server that starts."""
        options = self.options

        def environ() -> dict[str, str]:
            variables = options.environ()
            variables.pop(SERVER_TOKEN_VARIABLE, None)
            if options.token is not None:
                variables[SERVER_TOKEN_VARIABLE] = options.token
            return variables

        return environ


def started(options: ServerOptions, models: Sequence[str] | None = None) -> Server:
    """Return a server that is ready, with exactly these models loaded, None for no model.

    Raises:
        ModelFixturesError: it could not be started, or a model not be loaded.
    """
    server = Server(options)
    if models is not None:
        server.models.choose(models)  # a wrong key is refused before anything takes time
    try:
        server.process.wait_ready()
        if models is not None:
            server.models.load(models)
    except BaseException:
        server.process.stop()
        raise
    return server
