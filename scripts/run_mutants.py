"""Change the SDK in one place at a time, and see whether the tests notice: `hatch run mutants:run`.

    hatch run mutants:run                              30 mutants, chosen by the seed 0
    hatch run mutants:run --sample 400 --seed 7
    hatch run mutants:run --module "json_api.py" --all
    hatch run mutants:run --report                     scores and survivors so far, and no tests

A copy of the installed package is changed, in a temporary folder that comes first on the path,
also for the processes that tests start: the installation itself stays as it is. Each verdict is a
line of results/mutants-RELEASE.jsonl, and the next run goes on behind it. Ctrl-C ends a run.

The tests of a mutant are those that execute its line, where --coverage names a data file whose
contexts are tests (pytest --cov --cov-context=test), and else those that mutants.toml names for its
module. They stop at the first failure. Options that this script does not know go to pytest, such as
-m "not models".
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import random
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Protocol

from mutant_results import (
    Equivalent,
    ResultsError,
    Verdict,
    VerdictFile,
    equivalents,
    score_table,
)
from mutant_test_choice import ChoiceError, CoveredTests, TableOfTests
from mutant_test_runs import BaselineError, MutableCopy, TestRuns
from mutation_operators import Mutant, mutants_of
from suite_command import ROOT, sdk_release

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

GENERATED = ("_sdk_models/*",)
SETTINGS = Path(__file__).resolve().with_name("mutants.toml")
TESTS = ROOT / "packages" / "sdk-tests" / "tests"
SURVIVORS_FAIL = 1
INTERRUPTED = 130


class Choice(Protocol):
    """What chooses the tests of a mutant."""

    def tests_of(self, module: str, line: int) -> tuple[str, ...]:
        """Return paths or node ids of tests."""


@dataclass(frozen=True)
class Campaign:
    """Mutants of a package, and how to judge them."""

    package: Path
    choice: Choice
    verdicts: VerdictFile
    equivalents: Sequence[Equivalent]
    root: Path
    pytest_options: Sequence[str] = ()
    again: bool = False
    """Whether mutants that have survived before are judged once more."""
    least_seconds: float = 60.0
    """How long tests may take on a mutant at least, before they count as hanging."""


def main(arguments: list[str]) -> int:
    """Judge mutants; return 0, 1 if some survived, 2 after bad input and 130 after Ctrl-C."""
    given, passed_on = _parser().parse_known_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C: tidily
    try:
        return _run(given, passed_on)
    except (ChoiceError, ResultsError, BaselineError) as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2


def read_settings() -> dict[str, Any]:
    """Return the tables of mutants.toml."""
    return tomllib.loads(SETTINGS.read_text("utf-8"))


def source_digest(package: Path) -> str:
    """Return a text that changes with the source of a package."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def all_mutants(package: Path, modules: Sequence[str] = ("*",)) -> list[Mutant]:
    """Return the mutants of a package's modules that match a pattern and are written by hand."""
    found = []
    for path in sorted(package.rglob("*.py")):
        module = path.relative_to(package).as_posix()
        chosen = any(fnmatch(module, pattern) for pattern in modules)
        if chosen and not any(fnmatch(module, pattern) for pattern in GENERATED):
            found += mutants_of(path.read_text("utf-8"), module)
    return found


def judge(campaign: Campaign, mutants: Sequence[Mutant]) -> list[Verdict]:
    """Judge the mutants that have no verdict yet, one after the other; return all verdicts.

    Progress is printed. KeyboardInterrupt ends the tests that run, and passes.
    """
    known = campaign.verdicts.read()
    options = " ".join(campaign.pytest_options)
    known = {
        key: each
        for key, each in known.items()
        if each.holds_with(options) and not (campaign.again and each.outcome == "survived")
    }
    done: list[Verdict] = []
    with MutableCopy(campaign.package) as package:
        runs = TestRuns(
            package, campaign.root, campaign.pytest_options, least_seconds=campaign.least_seconds
        )
        for number, mutant in enumerate(mutants, 1):
            verdict = _listed(campaign, mutant) or known.get(mutant.key)
            if verdict is None:
                verdict = replace(_judged(campaign, runs, package, mutant), options=options)
                campaign.verdicts.add(verdict)
                place = f"{mutant.module}:{mutant.line} {mutant.operator}"
                by = f" by {verdict.by}" if verdict.by else ""
                print(
                    f"[{number}/{len(mutants)}] {place}: {verdict.outcome}{by}"
                    f" in {verdict.seconds:.1f} s",
                    flush=True,
                )
            done.append(verdict)
    return done


def report(verdicts: Sequence[Verdict]) -> str:
    """Return the scores and the survivors with their diffs."""
    survivors = [each for each in verdicts if each.outcome == "survived"]
    parts = [f"survived: {each.module}:{each.line} {each.scope}\n{each.diff}" for each in survivors]
    return "\n\n".join([*parts, score_table(verdicts)])


def _listed(campaign: Campaign, mutant: Mutant) -> Verdict | None:
    for each in campaign.equivalents:
        if each.describes(mutant):
            return _verdict(mutant, "equivalent", 0.0, each.reason, "")
    return None


def _judged(campaign: Campaign, runs: TestRuns, package: MutableCopy, mutant: Mutant) -> Verdict:
    tests = campaign.choice.tests_of(mutant.module, mutant.line)
    limit = runs.limit(tests)  # before the change: measures how long the tests take without it
    source = package.source(mutant.module)
    with package.changed(mutant.module, mutant.applied(source)):
        run = runs.run(tests, limit)
    return _verdict(mutant, run.outcome, run.seconds, run.failed, mutant.diff(source))


def _verdict(mutant: Mutant, outcome: str, seconds: float, by: str, diff: str) -> Verdict:
    return Verdict(
        mutant.key,
        mutant.module,
        mutant.scope,
        mutant.line,
        mutant.operator,
        outcome,
        round(seconds, 2),
        by,
        diff,
    )


def _run(given: argparse.Namespace, pytest_options: list[str]) -> int:
    settings = read_settings()
    package = _installed("lmstudio")
    choice: Choice = TableOfTests(TESTS, settings["tests"])
    if given.coverage:
        if not given.coverage.is_file():
            raise ChoiceError(f"there is no coverage data file {given.coverage}")
        covered = CoveredTests(
            given.coverage, "lmstudio", ROOT, TableOfTests(TESTS, settings["tests"])
        )
        if not covered.has_tests:
            raise ChoiceError(
                f"{given.coverage} does not name tests: measure with --cov-context=test"
            )
        choice = covered
    mutants = all_mutants(package, given.module or ("*",))
    if not mutants:
        raise ChoiceError(f"no module of {package} has mutants and matches {given.module}")
    if not given.all:
        number = min(given.sample, len(mutants))
        chosen = set(random.Random(given.seed).sample(range(len(mutants)), number))  # noqa: S311
        mutants = [mutant for index, mutant in enumerate(mutants) if index in chosen]
    file = given.results or ROOT / "results" / f"mutants-{sdk_release()}.jsonl"
    campaign = Campaign(
        package,
        choice,
        VerdictFile(file, source_digest(package)),
        equivalents(settings.get("equivalent", [])),
        ROOT,
        pytest_options,
        given.again,
    )
    verdicts: list[Verdict] = []
    if given.report:
        listed = {mutant.key: _listed(campaign, mutant) for mutant in all_mutants(package)}
        read = campaign.verdicts.read()
        verdicts = [listed.get(key) or verdict for key, verdict in read.items()]
    else:
        try:
            verdicts = judge(campaign, mutants)
        except KeyboardInterrupt:
            print(f"\ninterrupted; the same command goes on from {file}", file=sys.stderr)
            return INTERRUPTED
    print(report(verdicts))
    return SURVIVORS_FAIL if any(each.outcome == "survived" for each in verdicts) else 0


def _installed(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ChoiceError(f"the package {name} is not installed here")
    return Path(next(iter(spec.submodule_search_locations)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hatch run mutants:run",
        description="Change the SDK in one place at a time, and see whether the tests notice.",
        epilog="Other options go to pytest.",
        allow_abbrev=False,
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--sample", metavar="N", type=_count, default=30, help="how many (30)")
    which.add_argument("--all", action="store_true", help="all mutants")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="chooses the sample (0)")
    parser.add_argument(
        "--module", metavar="PATTERN", action="append", help="such as json_api.py or 'plugin/*'"
    )
    parser.add_argument("--coverage", metavar="FILE", type=Path, help="data file with contexts")
    parser.add_argument("--results", metavar="FILE", type=Path, help="where the verdicts are kept")
    parser.add_argument("--again", action="store_true", help="judge earlier survivors once more")
    parser.add_argument("--report", action="store_true", help="print what is known, run no tests")
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of mutants: write 30")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
