"""What `local:changed` says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from .execution_map import ExecutionMap
from .plan import Plan
from .source_changes import Changes
from .test_runs import Finished

if TYPE_CHECKING:
    from .loop import Difference

_NAMES = 3


def say(text: str) -> None:
    """Print a line, at once."""
    print(f"local:changed: {text}", flush=True)


def some(names: Collection[str]) -> str:
    """Return the first of some names, and how many there are beside them."""
    first = ", ".join(sorted(names)[:_NAMES])
    more = len(names) - _NAMES
    return f"{first} and {more} more" if more > 0 else first


def say_first_run(known: ExecutionMap | None) -> None:
    """Say that there is no map, and how long it takes to make one."""
    took = "about as long as `local:all`"
    if known is not None:
        took = about(sum(test.seconds for test in known.tests.values()) / 2)
    say(f"this run makes the map of what each test executes: all tests run, which takes {took}")


def say_map(new: ExecutionMap, done: Finished, seconds: float) -> None:
    """Say what came of the run that made a map."""
    say(f"the map has {count(len(new.tests), 'test')}, made in {about(seconds, '')}")
    if done.failed:
        say(f"red: {count(len(done.failed), 'test')} failed, and the next run begins with them")


def say_plan(known: ExecutionMap, difference: Difference, plan: Plan) -> None:
    """Say what has changed, and which tests run for that."""
    changes = difference.changes
    in_full = [*changes.in_full, *difference.in_full]
    if changes.lines:
        say(f"changed since the green run of {known.made}: {some(changes.lines)}")
    if difference.files:
        say(f"tests changed since then: {some(difference.files)}")
    if difference.failed:
        say(f"failed in the last run: {some(difference.failed)}")
    if plan.then is None:
        more = f" (and {len(in_full) - 1} reasons more)" if len(in_full) > 1 else ""
        begin = ", the likeliest first" if plan.first else ""
        say(f"all {count(len(known.tests), 'test')} run{begin}, since {in_full[0]}{more}")
        return
    unseen = [
        function
        for function in changes.lines
        if function not in known.functions or not _is_executed(known, function)
    ]
    if unseen:
        say(f"no test executes {some(unseen)}")
    if not plan:
        say("green: there is nothing to run for that")
        return
    direct = f", {plan.direct} of them the changed lines" if changes.lines else ""
    number = sum("::" in test for test in [*plan.first, *plan.then])
    say(f"{number} of {count(len(known.tests), 'test')} run{direct}: {about(plan.seconds)}")


def say_red(changes: Changes, failed: Sequence[str], code: int) -> None:
    """Say what has failed."""
    what = some(failed) if failed else f"pytest has ended with exit code {code}"
    changed = f"; changed until a run is green: {some(changes.lines)}" if changes.lines else ""
    say(f"red: {what}{changed}")


def say_changed_meanwhile() -> None:
    """Say that the source has changed during a run."""
    say("the SDK has changed during this run, which says nothing about the changes: run it again")


def say_green(tests: int, missing: Sequence[str], seconds: float) -> None:
    """Say that no test has failed, and whether pytest's options have left out some."""
    took = f"{count(tests, 'test')} in {seconds:.1f} s"
    if missing:
        say(
            f"green so far, {took}, but pytest's options left out {count(len(missing), 'test')},"
            f" such as {missing[0]}: what has changed stays changed"
        )
    else:
        say(f"green: {took}")


def about(seconds: float, word: str = "about ") -> str:
    """Return a time in words."""
    if seconds < 1:
        return "less than a second"
    if seconds < 100:
        return f"{word}{seconds:.0f} s"
    return f"{word}{seconds / 60:.0f} minutes"


def count(number: int, what: str) -> str:
    """Return a number with a noun."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _is_executed(known: ExecutionMap, function: str) -> bool:
    number = known.functions[function]
    return any(number in test.bodies for test in known.tests.values())
