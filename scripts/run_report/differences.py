"""In which tests two runs differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from model_fixtures.run_results import BAD, Run, Test

_RAN = frozenset(("error", "failed", "xpassed", "xfailed", "passed"))


@dataclass
class Differences:
    """What is not the same in a run as in the one with which it is compared.

    Attributes:
        worse: tests that fail now and did not before.
        better: tests that failed before and do not now.
        bugs: tests that passed in one run and show a known bug in the other.
        not_run: tests that ran before and are skipped now, or the other way around.
        missing: ids of tests that are in the first run only.
        added: ids of tests that are in the second run only.
        same: how many tests have the same outcome.
    """

    first: Run
    second: Run
    worse: list[tuple[Test, Test]] = field(default_factory=list)
    better: list[tuple[Test, Test]] = field(default_factory=list)
    bugs: list[tuple[Test, Test]] = field(default_factory=list)
    not_run: list[tuple[Test, Test]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    same: int = 0

    @property
    def nothing(self) -> bool:
        """Whether both runs have the same tests with the same outcomes."""
        return not any((self.worse, self.better, self.bugs, self.not_run, self.missing, self.added))

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why tests ran in one run only, and how many for each reason."""
        return Counter(
            next((test.reason for test in pair if test.outcome == "skipped"), "")
            or "no reason given"
            for pair in self.not_run
        ).most_common()


def differences(first: Run, second: Run) -> Differences:
    """Compare two runs: of two releases, or on two hosts."""
    found = Differences(first, second)
    before = {test.id: test for test in first.tests}
    after = {test.id: test for test in second.tests}
    found.missing = sorted(before.keys() - after.keys())
    found.added = sorted(after.keys() - before.keys())
    for test in sorted(before.keys() & after.keys()):
        pair = before[test], after[test]
        was, now = pair[0].outcome, pair[1].outcome
        if (was in BAD) != (now in BAD):
            (found.worse if now in BAD else found.better).append(pair)
        elif was == now or was in BAD:  # failed, or failed in its teardown
            found.same += 1
        elif (was in _RAN) != (now in _RAN):
            found.not_run.append(pair)
        else:
            found.bugs.append(pair)
    return found
