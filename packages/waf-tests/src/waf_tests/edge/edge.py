"""A TLS edge with a firewall rule, in front of a host under test."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from waf_tests.secret import Secret

from .caddy import plan_caddy
from .certificates import ServerCertificate, issue
from .edge_process import EdgeProcess
from .launch_plan import EdgeSettings, LaunchPlan, bracketed
from .reserved_port import LOOPBACK, ReservedPort

DEFAULT_HOST = "localhost"
_KEY_BYTES = 32

Planner = Callable[[EdgeSettings, Path], LaunchPlan]


class Edge:
    """A TLS edge that runs while its context manager is entered; `stop` and `start` restart it.

    `api_host` is the address to give a client, `ca_file` the CA that the client has to trust, and
    `key` the value that X-API-Key must have. A restart changes neither certificate, port nor key.
    """

    def __init__(
        self,
        origin: str,
        *,
        planner: Planner = plan_caddy,
        host: str = DEFAULT_HOST,
        key: Secret | None = None,
        port: int = 0,
        listen: tuple[str, ...] = (LOOPBACK,),
        idle_seconds: float | None = None,
        certificate: ServerCertificate | None = None,
    ) -> None:
        """Choose the port, key and certificate of an edge in front of `origin` (`address:port`).

        The certificate is for `host` alone, as the rule is: the edge can be used by no other name.
        `port` 0 takes any free one. Raises EdgeError for a key or a port that cannot be used.
        """
        self._planner = planner
        self._certificate = certificate or issue(host)
        self.settings = EdgeSettings(
            origin=origin,
            host=host,
            key=key or Secret(secrets.token_urlsafe(_KEY_BYTES)),
            port=port,
            certificate=self._certificate,
            listen=listen,
            idle_seconds=idle_seconds,
        )
        self._port = ReservedPort(port)
        self.settings = replace(self.settings, port=self._port.number)
        self._process: EdgeProcess | None = None
        self._folder: Path | None = None
        self.log: list[str] = []

    @property
    def key(self) -> Secret:
        """The value that the rule requires."""
        return self.settings.key

    @property
    def port(self) -> int:
        """The port on the loopback address."""
        return self.settings.port

    @property
    def api_host(self) -> str:
        """The address to give a client: `https://host:port`."""
        return f"https://{bracketed(self.settings.host)}:{self.port}"

    @property
    def ca_pem(self) -> str:
        """The throw-away CA's certificate in PEM."""
        return self._certificate.ca

    @property
    def ca_file(self) -> Path:
        """The file with the CA's certificate; it exists while the context manager is entered."""
        if self._folder is None:
            raise RuntimeError("the edge has not been entered")
        return self._folder / "ca.pem"

    @property
    def running(self) -> bool:
        """Whether the edge's process is running."""
        return self._process is not None

    @property
    def supervisor_pid(self) -> int:
        """The id of the edge's supervisor process, which ends after the edge."""
        if self._process is None:
            raise RuntimeError("the edge is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the edge and wait until it serves. Raises EdgeError if it does not start."""
        if self._process is not None:
            raise RuntimeError("the edge is already running")
        kept = self.ca_file.parent
        folder = Path(tempfile.mkdtemp(prefix="waf-edge-"))
        try:
            self._process = EdgeProcess(self._planner(self.settings, folder), kept)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self.log = self._process.log

    def stop(self) -> None:
        """Stop the edge and wait until its process and its files are gone."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    def change_key(self, key: Secret) -> None:
        """Use another key from the next start on. Raises EdgeError if no client can send it."""
        self.settings = replace(self.settings, key=key)

    def __enter__(self) -> Edge:
        self._folder = Path(tempfile.mkdtemp(prefix="waf-ca-"))
        self.ca_file.write_text(self.ca_pem, encoding="ascii")
        try:
            self.start()
        except BaseException:
            self._clean_up()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._clean_up()

    def _clean_up(self) -> None:
        self._port.release()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
