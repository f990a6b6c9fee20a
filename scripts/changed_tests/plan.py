"""Which tests run after a change, the likeliest to fail first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from .execution_map import ExecutionMap
from .source_changes import Changes

_FIRST_SECONDS = 5.0
_FILE_SECONDS = 0.3  # to import and collect a file, and to connect its client
_MOST_FIRST = 60


@dataclass
class Plan:
    """The tests of a run.

    Attributes:
        first: the likeliest tests to fail, from the likeliest on; for a process of their own.
        then: the others; None for all others of the suite, also those that nobody knows yet.
        direct: how many tests execute a changed line, or stand beside a new one.
        seconds: how long all of them take in one process, as far as is known.
    """

    first: list[str] = field(default_factory=list)
    then: list[str] | None = field(default_factory=list)
    direct: int = 0
    seconds: float = 0.0

    def __bool__(self) -> bool:
        """Whether there are tests to run."""
        return bool(self.first or self.then or self.then is None)


def make_plan(
    known: ExecutionMap,
    changes: Changes,
    *,
    failed: Sequence[str] = (),
    files: Collection[str] = (),
    in_full: bool = False,
) -> Plan:
    """Choose the tests to run.

    Args:
        known: what tests execute.
        changes: what has changed in the SDK.
        failed: tests that failed in the last run: they come first.
        files: test files that have changed: all of their tests run.
        in_full: whether all tests run, whatever they execute.
    """
    in_files = [test for test in known.tests if test.partition("::")[0] in files]
    direct, others = _affected(known, changes)
    likely = [*_mixed(known, direct), *_mixed(known, others)]
    if in_full or changes.in_full:
        likely += _mixed(known, _of_modules(known, changes.suspects))
    order = list(dict.fromkeys([*failed, *in_files, *likely]))
    first = _first(known, order)
    everything = in_full or bool(changes.in_full)
    chosen = set(first)
    then = [test for test in order if test not in chosen]
    # New tests of a changed file have no node ids yet.
    then += sorted(files)
    seconds = sum(known.tests[test].seconds for test in (known.tests if everything else order))
    return Plan(first, None if everything else then, len(direct), seconds)


def _affected(known: ExecutionMap, changes: Changes) -> tuple[list[str], list[str]]:
    """Return the tests that execute changed lines, and those that execute their functions."""
    masks = {
        known.functions[function]: sum(1 << line for line in lines)
        for function, lines in changes.lines.items()
        if function in known.functions
    }
    direct, others = [], []
    for test, execution in known.tests.items():
        executed = masks.keys() & execution.bodies.keys()
        if any(masks[number] & int(execution.bodies[number], 16) for number in executed):
            direct.append(test)
        elif executed or (changes.lines and execution.unsure):
            others.append(test)
    return direct, others


def _of_modules(known: ExecutionMap, modules: Collection[str]) -> list[str]:
    """Return the tests that execute a function of these modules."""
    numbers = {
        number for name, number in known.functions.items() if name.partition(" ")[0] in modules
    }
    return [test for test, each in known.tests.items() if numbers & each.bodies.keys()]


def _mixed(known: ExecutionMap, tests: Iterable[str]) -> list[str]:
    """Sort tests: one case of each test function, then a second one; special and fast ones first.

    A test that executes few other functions says most about the changed one.
    """

    def cost(test: str) -> float:
        execution = known.tests[test]
        return len(execution.bodies) * (0.1 + execution.seconds)

    cases: dict[str, int] = defaultdict(int)
    rounds: dict[str, int] = {}
    ordered = sorted(tests, key=cost)
    for test in ordered:
        function = test.partition("[")[0]
        rounds[test] = cases[function]
        cases[function] += 1
    return sorted(ordered, key=rounds.__getitem__)


def _first(known: ExecutionMap, order: Sequence[str]) -> list[str]:
    """Return as many of the first tests as take a few seconds, those of a file side by side."""
    chosen: dict[str, list[str]] = {}
    seconds = 0.0
    for number, test in enumerate(order):
        file = test.partition("::")[0]
        seconds += known.tests[test].seconds + (0 if file in chosen else _FILE_SECONDS)
        if number and (seconds > _FIRST_SECONDS or number >= _MOST_FIRST):
            break
        chosen.setdefault(file, []).append(test)
    return [test for tests in chosen.values() for test in tests]
