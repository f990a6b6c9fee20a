"""Access to the host in a worker of xdist that shares it with others: it asks the main process."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from model_fixtures.hosts import HostError

from .xdist_broker import ask


class SharedHost:
    """The host in an xdist worker, which asks the main process for it.

    Args:
        worker_input: made by `pytest_configure_node` in the main process.
    """

    def __init__(self, worker_input: dict[str, Any]) -> None:
        self._input = worker_input
        self._facts: dict[str, Any] | None = None

    @property
    def own_server(self) -> bool:
        """Whether the host is this project's server."""
        return bool(self._described()["own_server"])

    @property
    def description(self) -> str:
        """The host and the reason for it, for users."""
        return str(self._described()["description"])

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

    def _described(self) -> dict[str, Any]:
        if self._facts is None:
            self._facts = self._ask("describe")
        return self._facts

    def _ask(self, request: str, arguments: Sequence[str] = ()) -> dict[str, Any]:
        try:
            return ask(self._input["port"], self._input["key"], request, arguments)
        except OSError:
            raise HostError("the test run that owns the embedded server has ended") from None
