"""Access to the host in a worker of xdist with an embedded server of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from model_fixtures.for_apps.server_options import ServerOptions
from model_fixtures.hosts import HostError, HostSelection

from .local_host import LocalHost
from .xdist_broker import ask


class WorkerHost(LocalHost):
    """The host in a worker: the main process chooses it, an embedded server is the worker's own.

    Args:
        worker_input: made by `pytest_configure_node` in the main process.
        options: what the embedded server is told.
    """

    def __init__(self, worker_input: dict[str, Any], options: ServerOptions) -> None:
        super().__init__(self._ask_which, self._say_there, options)
        self._input = worker_input

    @property
    def spread(self) -> bool:
        """Whether each of several workers runs all tests."""
        return bool(self._input["spread"])

    def keep_together(self, tests: Sequence[str]) -> None:
        """Tell the main process which tests must run in one worker if workers share the host."""
        self._ask("keep together", tests)

    def begin_early(self, tests: Sequence[str]) -> None:
        """Tell the main process which tests to begin with."""
        self._ask("begin early", tests)

    def _ask_which(self) -> HostSelection:
        answer = self._ask("select")
        if "selection" not in answer:
            raise HostError(answer["problem"])
        return msgspec.convert(answer["selection"], HostSelection)

    def _say_there(self, line: str) -> None:
        self._ask("say", [line])

    def _ask(self, request: str, arguments: Sequence[str] = ()) -> dict[str, Any]:
        try:
            return ask(self._input["port"], self._input["key"], request, arguments)
        except OSError:
            raise HostError("the test run that chooses the host has ended") from None
