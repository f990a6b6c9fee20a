"""Tests marked `models` in one worker, those marked `slow` early, under pytest-xdist.

xdist has groups for the first, but it marks them in node ids by a private attribute that pytest 9.2
no longer reads, which spreads the tests without a word. The second keeps a worker from beginning
something long when the others have nothing left to do. A run without such tests is left to xdist.

xdist's schedulers of groups hang or lose tests when a worker crashes; ours goes on after the test
that has crashed, with the rest of that worker's tests in one worker.
"""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Set as AbstractSet
from typing import Any

import pytest

_SCOPE = "models"
_SINGLE = ("load", "worksteal")  # --dist that hands out tests, not files or groups
# A worker runs a test once it knows the next; with one more it need not wait for that.
_AHEAD = 2


class ChosenScheduler:
    """xdist's scheduler, until it turns out that some tests are special: then ours.

    That is known when all workers have collected.

    Args:
        theirs: what xdist, or somebody's hook, would distribute with.
        config: of the process that distributes.
        log: handed on to xdist.
        together: node ids of the tests to keep in one worker, complete once workers have collected.
        early: node ids of tests that make the file or group they are distributed with come first,
            after those kept together; complete at the same time. They alone are no reason to
            replace a scheduler that isn't xdist's own.
    """

    def __init__(
        self,
        theirs: Any,
        config: pytest.Config,
        log: Any,
        together: AbstractSet[str],
        early: AbstractSet[str],
    ) -> None:
        self._chosen = theirs
        self._config = config
        self._log = log
        self._together = together
        self._early = early
        self._collected: list[tuple[Any, list[str]]] = []
        self._decided = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chosen, name)

    def add_node_collection(self, node: Any, collection: list[str]) -> None:
        """Take what a worker has collected."""
        if not self._decided:
            self._collected.append((node, collection))
        self._chosen.add_node_collection(node, collection)

    def schedule(self) -> None:
        """Begin to distribute, or have new workers take part."""
        if not self._decided:
            self._decided = True
            self._decide()
        self._chosen.schedule()

    def _decide(self) -> None:
        xdists_own = type(self._chosen).__module__.startswith("xdist.")
        if self._together or (xdists_own and self._early):
            nodes = self._chosen.nodes
            self._chosen = _unit_scheduling(self._config, self._log, self._together, self._early)
            for node in nodes:
                self._chosen.add_node(node)
            for node, collection in self._collected:
                self._chosen.add_node_collection(node, collection)


def _unit_scheduling(
    config: pytest.Config, log: Any, together: AbstractSet[str], early: AbstractSet[str]
) -> Any:
    """Return a scheduler that hands out units: the files, groups or tests of --dist."""
    # Optional and without type information: no import statement.
    xdist = importlib.import_module("xdist.scheduler")
    bases = {"loadgroup": xdist.LoadGroupScheduling, "loadfile": xdist.LoadFileScheduling}
    dist = config.getoption("dist")
    base = bases.get(dist, xdist.LoadScopeScheduling)

    class UnitScheduling(base):  # type: ignore[valid-type,misc]
        # Of the base are what it keeps of nodes and collections, and how it names scopes. Tests
        # are numbers here, of their place in the collection: their ids need not differ.

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
                # Many tests before few, as xdist has it by default.
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
