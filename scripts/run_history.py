"""Run the SDK's tests on a release of the past, and note which known bugs it has.

    hatch run history:all                           every release in turn, each with all tests
    hatch run history:all -m "not models"           other options go to pytest
    hatch run +sdk=1.3.0 history:all --strict -x    one release; the exit code is pytest's

Without --strict the exit code is 0 when the tests were run, so that Hatch goes on with the next
release whatever failed. What the runs have seen of known bugs goes into findings_by_release.json,
which `hatch run findings:history` shows. A test that fails in another way than its bug makes it
tells nothing about the bug. The firewall's tests are left out: its clients need SDK 1.5.0.
"""

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from findings_by_release import RECORD, load_record, save_record
from junit_results import JunitError, TestResult, results
from list_findings import PAGE, findings
from suite_command import ROOT, pytest_command, sdk_release

TESTS = "packages/sdk-tests/tests"
FOLDER = ROOT / "results" / "history"
FINISHED = (0, 1)  # pytest's exit codes for runs to the end


def main(arguments: list[str]) -> int:
    """Run the tests on the installed release; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="hatch run history:all",
        description="Run the SDK's tests on releases of the past. Other options go to pytest.",
        allow_abbrev=False,
    )
    parser.add_argument("--strict", action="store_true", help="return pytest's exit code")
    chosen, options = parser.parse_known_args(arguments)
    release = sdk_release()
    FOLDER.mkdir(parents=True, exist_ok=True)
    junit = FOLDER / f"{release}.xml"
    junit.unlink(missing_ok=True)
    command = [*pytest_command(), "-o", f"testpaths={TESTS}", f"--junitxml={junit}", *options]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    try:
        found = results(junit)
    except JunitError as error:
        print(f"history:all: {error}", file=sys.stderr)
        return code or 2
    bugs = {test for each in findings(PAGE.read_text(encoding="utf-8")) for test in each.tests}
    note(release, found.values(), bugs, RECORD)
    counts = Counter(result.outcome for result in found.values())
    print(f"lmstudio {release}: {', '.join(f'{n} {word}' for word, n in sorted(counts.items()))}")
    return 0 if code in FINISHED and not chosen.strict else code


def note(release: str, found: Iterable[TestResult], bugs: set[str], path: Path) -> None:
    """Add to the record what the results tell about the tests of known bugs."""
    outcomes: dict[str, set[str]] = {}
    for result in found:
        file, _, test = result.node_id.partition("::")
        name = f"{Path(file).name}::{test.partition('[')[0]}"
        if name in bugs:
            outcomes.setdefault(name, set()).add(result.outcome)
    record = load_record(path)
    seen = record.setdefault(release, {})
    for name, each in outcomes.items():
        if "xfailed" in each:
            seen[name] = True
        elif each == {"passed"}:
            seen[name] = False
    save_record(record, path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
