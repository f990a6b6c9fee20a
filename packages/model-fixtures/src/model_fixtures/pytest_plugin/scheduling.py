"""Tests marked `models` in one worker, under pytest-xdist.

xdist has groups for that, but it marks them in node ids by a private attribute that pytest 9.2 no
longer reads, which spreads the tests without a word. This needs only xdist's scheduler hook.
"""

from __future__ import annotations

import importlib
from collections.abc import Container
from typing import Any

import pytest

_SCOPE = "models"


def make_scheduler(config: pytest.Config, log: Any, together: Container[str]) -> Any:
    """The scheduler for `--dist`, keeping some tests together; None to leave it to xdist.

    Args:
        config: of the process that distributes.
        log: handed on to xdist.
        together: node ids of the tests to keep in one worker, complete once workers have collected.
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

    class OneWorkerForModels(base):  # type: ignore[valid-type,misc]
        def _split_scope(self, nodeid: str) -> str:
            return _SCOPE if nodeid in together else str(super()._split_scope(nodeid))

    return OneWorkerForModels(config, log)
