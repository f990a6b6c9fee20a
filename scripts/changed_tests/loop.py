"""The loop from one edit of the SDK to the next: what has changed, a run, and the map after it."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from model_fixtures.run_results import Test

from . import messages
from .errors import MapError
from .execution_map import (
    ExecutionMap,
    read_failed,
    read_map,
    write_failed,
    write_map,
)
from .measured_lines import ImportWatch, read_measured, write_settings
from .plan import Plan, make_plan
from .source_changes import Changes, bodies_of, compare, read_source
from .suite import Suite, differences
from .test_runs import Finished, TestRuns

GREEN, RED, INTERRUPTED = 0, 1, 130
_PYTEST_INTERRUPTED = 2
_MANY_SECONDS = 12.0  # of tests: from here on a second worker saves more than its start takes


@dataclass(frozen=True)
class Difference:
    """What is other than in the last green run.

    Attributes:
        changes: of the SDK.
        in_full: why all tests have to run apart from them, a line each.
        files: test files of the suite that have changed.
        failed: tests that failed in the last run.
    """

    changes: Changes
    in_full: list[str]
    files: list[str]
    failed: list[str]

    def __bool__(self) -> bool:
        return bool(self.changes or self.in_full or self.files or self.failed)


class Loop:
    """Decides from a map which tests to run, runs them, and brings the map up to date."""

    def __init__(self, suite: Suite, folder: Path, options: Sequence[str]) -> None:
        """Take the folder of the map, and pytest's options; MapError if there is no SDK."""
        spec = importlib.util.find_spec(suite.package)
        if spec is None or not spec.submodule_search_locations:
            raise MapError(f"{suite.package} is not installed here")
        self._suite = suite
        self._options = options
        self._map_file = folder / "map.json"
        self._failed_file = folder / "failed.json"
        self._package = Path(next(iter(spec.submodule_search_locations)))
        self._source = read_source(self._package)
        self._digests = suite.digests()

    def run(self, *, anew: bool = False) -> int:
        """Run the tests that have to run; return the exit code."""
        known = read_map(self._map_file)
        if known is None or anew:
            return self._make_map(known)
        difference = self.difference(known)
        if not difference:
            messages.say(f"green: nothing has changed since the green run of {known.made}")
            return GREEN
        if difference.changes.problem:
            messages.say(f"red: {difference.changes.problem}")
            return RED
        plan = self.plan(known, difference)
        messages.say_plan(known, difference, plan)
        if not plan:
            self._refresh(known, difference, None, [], None)
            write_failed(self._failed_file, [])
            return GREEN
        return self._run_plan(known, difference, plan)

    def list_tests(self) -> int:
        """Print which tests would run, a line each, and why; return the exit code."""
        known = read_map(self._map_file)
        if known is None:
            messages.say("there is no map yet: the first run makes it, and runs all tests")
            return GREEN
        difference = self.difference(known)
        if not difference:
            messages.say(f"nothing has changed since the green run of {known.made}")
            return GREEN
        if difference.changes.problem:
            messages.say(difference.changes.problem)
            return RED
        plan = self.plan(known, difference)
        print("\n".join([*plan.first, *(["all others"] if plan.then is None else plan.then)]))
        messages.say_plan(known, difference, plan)
        return GREEN

    def difference(self, known: ExecutionMap) -> Difference:
        """Return what is other than in the last green run."""
        changes = compare(known.source, self._source, known.run_at_import)
        edited = differences(known.suite, self._digests)
        shared = [path for path in edited if not self._suite.is_test_file(path)]
        files = [path for path in edited if self._suite.is_test_file(path)]
        in_full = [f"the suite has changed: {messages.some(shared)}"] if shared else []
        # A file that could not be collected stands for all of its tests.
        bad = set(read_failed(self._failed_file))
        failed = [test for test in known.tests if bad & {test, test.partition("::")[0]}]
        released = known.setting.get(self._suite.package) != self._suite.release()
        if changes or edited or failed or released:
            # Looking for the host takes a moment, which a run without changes need not wait for.
            now = self._suite.setting()
            in_full += [
                f"{name} is {now.get(name, 'none')}, and was {known.setting.get(name, 'none')}"
                for name in differences(known.setting, now)
            ]
        return Difference(changes, in_full, files, failed)

    def plan(self, known: ExecutionMap, difference: Difference) -> Plan:
        """Return the tests to run."""
        return make_plan(
            known,
            difference.changes,
            failed=difference.failed,
            files=difference.files,
            in_full=bool(difference.in_full),
        )

    def _import_watch(self) -> ImportWatch:
        return ImportWatch(self._suite.package, self._suite.helpers)

    def _make_map(self, known: ExecutionMap | None) -> int:
        messages.say_first_run(known)
        new = ExecutionMap(made=_now(), setting=self._suite.setting(), suite=self._digests)
        new.source = self._source
        with tempfile.TemporaryDirectory(prefix="changed-") as temporary:
            folder = Path(temporary)
            write_settings(folder, self._suite.package)
            watch = self._import_watch()
            try:
                begun = time.monotonic()
                done = TestRuns(self._suite, folder, self._options).run_others([], stop=False)
                seconds = time.monotonic() - begun
                if not done.tests or done.code not in (GREEN, RED):
                    messages.say("there is no map, since the run has come to no end")
                    return INTERRUPTED if done.code == _PYTEST_INTERRUPTED else RED
                if self._has_changed():
                    return RED
                self._note(new, folder, [done])
                new.run_at_import = watch.functions(bodies_of(self._source))
            finally:
                watch.end()
        write_map(self._map_file, new)
        write_failed(self._failed_file, done.failed)
        messages.say_map(new, done, seconds)
        return RED if done.code else GREEN

    def _has_changed(self) -> bool:
        """Say so and return True if the source is no longer the one that the run began with."""
        changed = read_source(self._package) != self._source
        if changed:
            messages.say_changed_meanwhile()
        return changed

    def _run_plan(self, known: ExecutionMap, difference: Difference, plan: Plan) -> int:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="changed-") as temporary:
            folder = Path(temporary)
            write_settings(folder, self._suite.package)
            watch = self._import_watch() if plan.then is None else None
            try:
                done = self._run_tests(plan, folder)
                code = done[-1].code
                tests = {test: each for run in done for test, each in run.tests.items()}
                missing = self._missing(known, difference, plan, tests)
                if not code and self._has_changed():
                    return RED
                if not code and not missing:
                    self._refresh(known, difference, folder, done, watch)
            finally:
                if watch is not None:
                    watch.end()
        failed = [test for run in done for test in run.failed]
        write_failed(self._failed_file, failed + [x for x in difference.failed if x not in tests])
        seconds = time.monotonic() - begun
        if code == _PYTEST_INTERRUPTED and not failed:
            messages.say("interrupted: what has changed stays changed")
            return INTERRUPTED
        if code:
            messages.say_red(difference.changes, failed, code)
            return RED
        messages.say_green(len(tests), missing, seconds)
        return GREEN

    def _run_tests(self, plan: Plan, folder: Path) -> list[Finished]:
        """Run the likeliest tests in this order, and then the others."""
        runs = TestRuns(self._suite, folder, self._options)
        done = [runs.run(plan.first, workers=False)]
        if done[0].code:
            return done
        if plan.then is None:
            done.append(runs.run_others(plan.first))
        elif plan.then:
            done.append(runs.run(plan.then, workers=plan.seconds > _MANY_SECONDS))
        return done

    def _missing(
        self, known: ExecutionMap, difference: Difference, plan: Plan, tests: Mapping[str, Test]
    ) -> list[str]:
        """Return the tests that were to run and have not, though their files are as before."""
        wanted = [*plan.first, *(known.tests if plan.then is None else plan.then)]
        edited = set(difference.files)
        return [
            test
            for test in dict.fromkeys(wanted)
            if test not in tests and test.partition("::")[0] not in edited
        ]

    def _refresh(
        self,
        known: ExecutionMap,
        difference: Difference,
        folder: Path | None,
        done: Sequence[Finished],
        watch: ImportWatch | None,
    ) -> None:
        """Write the map of the present source: what has run anew, the rest as it was."""
        bodies = bodies_of(self._source)
        functions = {f"{module} {name}" for module, each in bodies.items() for name in each}
        new = ExecutionMap(made=_now(), setting=self._suite.setting(), suite=self._digests)
        new.source = self._source
        new.run_at_import = known.run_at_import if watch is None else watch.functions(bodies)
        tests = {test for run in done for test in run.tests}
        edited = set(difference.files)
        kept = [
            test
            for test in known.tests
            if test not in tests and test.partition("::")[0] not in edited
        ]
        new.keep(known, kept, functions)
        if folder is not None:
            self._note(new, folder, done)
        write_map(self._map_file, new)

    def _note(self, new: ExecutionMap, folder: Path, done: Sequence[Finished]) -> None:
        """Note what tests have executed in runs."""
        measured = read_measured(folder, self._suite.package, bodies_of(self._source))
        for run in done:
            for test, result in run.tests.items():
                lines, unsure = measured.of_test(test)
                new.note(test, result.seconds, lines, unsure=unsure)


def _now() -> str:
    return datetime.now().astimezone().strftime("%d %b %H:%M")
