"""Check that `local:changed` finds what the tests find: on mutants of the SDK.

    hatch run local:changed-check --sample 100
    hatch run local:changed-check --module history.py --seed 7

Mutants are judged as by `hatch run mutants:run`, whose verdicts are taken over. One that a test
kills must be killed by `local:changed`, too: the killing test is among those that it would run, or
else these tests run on the mutant, and one of them has to fail. The map of the SDK as it is must be
there. The exit code is 1 if a mutant would have been missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from changed_tests.errors import MapError
from changed_tests.execution_map import ExecutionMap, read_map
from changed_tests.plan import Plan, make_plan
from changed_tests.source_changes import compare, read_source
from mutant_results import KILLED, VerdictFile, equivalents
from mutant_test_choice import TableOfTests
from mutant_test_runs import BaselineError, MutableCopy, TestRuns
from mutation_operators import Mutant
from run_changed import FOLDER, map_name
from run_mutants import TESTS, Campaign, all_mutants, judge, read_settings, source_digest
from suite_command import ROOT, sdk_release


@dataclass(frozen=True)
class Checked:
    """What `local:changed` makes of a mutant.

    Attributes:
        mutant: the mutant.
        how: "in full", "chosen", "others" if other tests than the one that is known kill it, or
            "missed".
        seconds: how long the tests before the killing one take, in one process.
    """

    mutant: Mutant
    how: str
    seconds: float | None = None


def main(arguments: list[str]) -> int:
    """Check mutants; return 0, 1 if some would have been missed, and 2 after bad input."""
    given = _parser().parse_args(arguments)
    try:
        spec = importlib.util.find_spec("lmstudio")
        if spec is None or not spec.submodule_search_locations:
            raise MapError("lmstudio is not installed here")
        package = Path(next(iter(spec.submodule_search_locations)))
        known = read_map(given.into / map_name([]) / "map.json")
        if known is None or known.source != read_source(package):
            raise MapError("there is no map of the SDK as it is: run `hatch run local:changed`")
        checked, survived = check(package, known, _sample(package, given))
    except (MapError, BaselineError) as error:
        print(f"changed-check: {error}", file=sys.stderr)
        return 2
    print(report(checked, survived))
    return 1 if any(each.how == "missed" for each in checked) else 0


def check(
    package: Path, known: ExecutionMap, mutants: Sequence[Mutant]
) -> tuple[list[Checked], int]:
    """Judge mutants and check those that are killed; return them, and how many survived."""
    settings = read_settings()
    campaign = Campaign(
        package,
        TableOfTests(TESTS, settings["tests"]),
        VerdictFile(ROOT / "results" / f"mutants-{sdk_release()}.jsonl", source_digest(package)),
        equivalents(settings.get("equivalent", [])),
        ROOT,
    )
    verdicts = judge(campaign, mutants)
    checked = []
    with MutableCopy(package) as copy:
        for mutant, verdict in zip(mutants, verdicts, strict=True):
            if verdict.outcome not in KILLED:
                continue
            changed = mutant.applied(known.source[mutant.module])
            changes = compare(
                known.source, {**known.source, mutant.module: changed}, known.run_at_import
            )
            each = judged_by_plan(known, make_plan(known, changes), mutant, verdict.by)
            if each.how == "missed" and (tests := _tests_of(make_plan(known, changes))):
                runs = TestRuns(copy, ROOT, [], least_seconds=60)
                limit = runs.limit(tests)
                with copy.changed(mutant.module, changed):
                    if runs.run(tests, limit).outcome in KILLED:
                        each = Checked(mutant, "others")
            checked.append(each)
            place = f"{mutant.module}:{mutant.line} {mutant.operator}"
            print(f"[{len(checked)}] {place}: {each.how}", flush=True)
    return checked, len(verdicts) - len(checked)


def judged_by_plan(known: ExecutionMap, plan: Plan, mutant: Mutant, by: str) -> Checked:
    """Say how a plan has the test run that kills a mutant, if it does."""
    order = [*plan.first, *(plan.then or [])]
    if by in order:
        before = order[: order.index(by) + 1]
        seconds = sum(known.tests[test].seconds for test in before if test in known.tests)
        return Checked(mutant, "chosen", seconds)
    return Checked(mutant, "in full" if plan.then is None else "missed")


def report(checked: Sequence[Checked], survived: int) -> str:
    """Return what came of the check."""
    lines = [
        f"missed: {each.mutant.module}:{each.mutant.line} {each.mutant.scope}:"
        f" {each.mutant.original} -> {each.mutant.replacement}"
        for each in checked
        if each.how == "missed"
    ]
    counts = ", ".join(
        f"{sum(each.how == how for each in checked)} {how}"
        for how in ("chosen", "in full", "others", "missed")
    )
    times = [each.seconds for each in checked if each.seconds is not None]
    lines.append(f"{len(checked)} mutants that tests kill: {counts}; {survived} others")
    if times:
        lines.append(f"seconds of tests up to the known killer: median {median(times):.1f}")
    return "\n".join(lines)


def _tests_of(plan: Plan) -> tuple[str, ...]:
    return (*plan.first, *(plan.then or ()))


def _sample(package: Path, given: argparse.Namespace) -> list[Mutant]:
    mutants = all_mutants(package, given.module or ("*",))
    if not mutants:
        raise MapError(f"no module has mutants and matches {given.module}")
    number = min(given.sample, len(mutants))
    chosen = set(random.Random(given.seed).sample(range(len(mutants)), number))  # noqa: S311
    return [mutant for index, mutant in enumerate(mutants) if index in chosen]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hatch run local:changed-check",
        description="Check that local:changed kills the mutants of the SDK that the tests kill.",
        allow_abbrev=False,
    )
    parser.add_argument("--sample", metavar="N", type=int, default=30, help="how many (30)")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="chooses the sample (0)")
    parser.add_argument(
        "--module", metavar="PATTERN", action="append", help="such as json_api.py or 'plugin/*'"
    )
    parser.add_argument(
        "--into", metavar="FOLDER", type=Path, default=FOLDER, help="folder of the maps"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
