"""Access to the host of a run, alike in the main pytest process and in xdist workers."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from model_fixtures.hosts.embedded_server import EmbeddedServer


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
            HostError: no host answers, or the embedded server could not be started.
        """

    def log_since(self, start: float) -> str | None:
        """Return what the host has logged since a moment; None if its log is not in reach.

        Args:
            start: seconds since the epoch.

        Raises:
            HostError: the main process has ended.
        """
