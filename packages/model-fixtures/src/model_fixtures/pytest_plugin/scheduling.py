"""Tests marked `models` in one worker, those marked `slow` early, under pytest-xdist.

xdist has groups for the first, but it marks them in node ids by a private attribute that pytest 9.2
no longer reads, which spreads the tests without a word. This needs only xdist's scheduler hook. The
second keeps a worker from beginning something long when the others have nothing left to do.
"""

from __future__ import annotations

import importlib
from collections.abc import Container
from typing import Any

import pytest

_SCOPE = "models"


def make_scheduler(
    config: pytest.Config, log: Any, together: Container[str], early: Container[str]
) -> Any:
    """The scheduler for `--dist`, keeping some tests together; None to leave it to xdist.

    Args:
        config: of the process that distributes.
        log: handed on to xdist.
        together: node ids of the tests to keep in one worker, complete once workers have collected.
        early: node ids of tests that make the file or group they are distributed with come first,
            after those kept together; complete at the same time.
    """
    # Optional and without type information: no import statement.
    xdist = importlib.import_module("xdist.scheduler")
    bases = {
        "load": xdist.LoadGroupScheduling,
        "worksteal": xdist.LoadGroupScheduling,
        "loadgroup": xdist.LoadGroupScheduling,
        "loadscope": xdist.LoadScopeScheduling,
        "loadfile": xdist.LoadFileScheduling,
    }
    base = bases.get(config.getoption("dist"))
    if base is None:
        return None

    class ModelsTogether(base):  # type: ignore[valid-type,misc]
        def _split_scope(self, nodeid: str) -> str:
            return _SCOPE if nodeid in together else str(super()._split_scope(nodeid))

        def _assign_work_unit(self, node: Any) -> None:
            if not self.assigned_work[node]:
                # Before anything was handed out to this worker, so often enough for new ones.
                for scope in sorted(self.workqueue, key=self._rank):
                    self.workqueue.move_to_end(scope)
            super()._assign_work_unit(node)

        def _rank(self, scope: str) -> int:
            if scope == _SCOPE:
                return 0
            return 1 if any(nodeid in early for nodeid in self.workqueue[scope]) else 2

    return ModelsTogether(config, log)
