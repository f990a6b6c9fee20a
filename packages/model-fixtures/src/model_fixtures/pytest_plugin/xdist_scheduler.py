"""Scheduling for pytest-xdist: tests marked `models` in one worker, those marked `slow` early.

xdist's groups do not serve for the first: they are marked in node ids by a private attribute that
pytest 9.2 no longer reads, so the tests are spread silently. The second keeps a worker from
beginning a long test when the others have nothing left to do. A run without such tests is left to
xdist.

xdist's schedulers for groups hang or lose tests when a worker crashes. This one continues after the
test that crashed, and gives the rest of that worker's tests to one worker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

import pytest

_SCOPE = "models"
_SINGLE = ("load", "worksteal")  # values of --dist that hand out tests, not files or groups
# A worker starts a test once it knows the one after it, so with two in advance it never waits.
_AHEAD = 2


class XdistScheduler:
    """A scheduler that starts as xdist's own and is replaced if some tests are special.

    It is known which tests are special once all workers have collected.

    Args:
        theirs: the scheduler of xdist, or of another plugin's hook.
        config: the configuration of the process that distributes the tests.
        log: xdist's log, handed on.
        special: returns, once all workers have collected, the node ids of the tests to keep in one
            worker and those of slow tests. The files or groups that hold slow ones are started
            early, after the tests kept together. Without tests to keep together, they do not
            replace another plugin's scheduler.
    """

    def __init__(
        self,
        theirs: Any,
        config: pytest.Config,
        log: Any,
        special: Callable[[], tuple[AbstractSet[str], AbstractSet[str]]],
    ) -> None:
        self._chosen = theirs
        self._config = config
        self._log = log
        self._special = special
        self._collected: list[tuple[Any, list[str]]] = []
        self._decided = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chosen, name)

    def add_node_collection(self, node: Any, collection: list[str]) -> None:
        """Note the tests that a worker has collected."""
        if not self._decided:
            self._collected.append((node, collection))
        self._chosen.add_node_collection(node, collection)

    def schedule(self) -> None:
        """Begin to distribute tests, or give some to new workers."""
        if not self._decided:
            self._decided = True
            self._decide()
        self._chosen.schedule()

    def _decide(self) -> None:
        together, early = self._special()
        xdists_own = type(self._chosen).__module__.startswith("xdist.")
        if together or (xdists_own and early):
            nodes = self._chosen.nodes
            self._chosen = _unit_scheduling(self._config, self._log, together, early)
            for node in nodes:
                self._chosen.add_node(node)
            for node, collection in self._collected:
                self._chosen.add_node_collection(node, collection)


def _unit_scheduling(
    config: pytest.Config, log: Any, together: AbstractSet[str], early: AbstractSet[str]
) -> Any:
    """Return a scheduler that hands out units: the files, groups or tests of --dist."""
    # xdist is optional; only it calls the hook that leads here.
    from xdist import scheduler  # type: ignore[import-untyped]

    bases: dict[str, Any] = {
        "loadgroup": scheduler.LoadGroupScheduling,
        "loadfile": scheduler.LoadFileScheduling,
    }
    dist = config.getoption("dist")
    base = bases.get(dist, scheduler.LoadScopeScheduling)

    class UnitScheduling(base):  # type: ignore[valid-type,misc]
        # The base keeps the nodes and collections, and names the scopes. Tests are numbers here,
        # their places in the collection, since two tests may have the same node id.

        collection: Any  # node ids; None before the first test is handed out

        def schedule(self) -> None:
            if self.collection is None:
                if not self._check_nodes_have_same_collection():
                    return
                self.collection = next(iter(self.registered_collections.values()))
                self.workqueue = deque(self._units(self.collection))
                for node in self.nodes:
                    self._assign_work_unit(node)
            for node in self.nodes:
                self._reschedule(node)

        def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
            self.assigned_work[node].pop(item_index, None)
            self._reschedule(node)

        def remove_node(self, node: Any) -> str | None:
            left = list(self.assigned_work.pop(node))
            if not left:
                return None
            if left[1:]:
                self.workqueue.appendleft(left[1:])
            for other in self.nodes:
                self._reschedule(other)
            return str(self.collection[left[0]])  # it was running when the worker crashed

        def _units(self, collection: list[str]) -> list[list[int]]:
            units: dict[object, list[int]] = {}
            for number, test in enumerate(collection):
                scope = number if dist in _SINGLE else self._split_scope(test)
                units.setdefault(_SCOPE if test in together else scope, []).append(number)

            def rank(unit: list[int]) -> tuple[int, int]:
                if collection[unit[0]] in together:
                    return 0, 0
                first = any(collection[number] in early for number in unit)
                # Units with many tests come before those with few, as is xdist's default.
                return 1 if first else 2, -len(unit) if config.option.loadscopereorder else 0

            return sorted(units.values(), key=rank)

        def _pending_of(self, workload: dict[int, None]) -> int:
            return len(workload)

        def _assign_work_unit(self, node: Any) -> None:
            if self.workqueue:
                unit = self.workqueue.popleft()
                self.assigned_work[node].update(dict.fromkeys(unit))
                node.send_runtest_some(unit)

        def _reschedule(self, node: Any) -> None:
            if node.shutting_down or node not in self.registered_collections:
                return
            pending = self.assigned_work[node]
            if len(pending) <= _AHEAD:
                self._assign_work_unit(node)
            while self.workqueue and len(pending) < _AHEAD:
                self._assign_work_unit(node)
            if not self.workqueue:
                node.shutdown()

    return UnitScheduling(config, log)
