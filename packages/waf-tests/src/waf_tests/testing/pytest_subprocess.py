"""Runs of pytest in a process of their own, so that a test can look at what they write."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

# All of pytest's options that make it show more, except --tb, --capture and --full-trace.
_VERBOSE = (
    *("-vv", "-rA", "--showlocals", "--setup-show", "--durations=0", "-o", "junit_logging=all"),
    *("--log-level=DEBUG", "--log-cli-level=DEBUG", "--log-file=run.log", "--log-file-level=DEBUG"),
    *("--junitxml=run.xml", "-o", "junit_family=xunit1", "-p", "no:cacheprovider"),
)

_INNER_VARIABLE = "WAF_TESTS_INNER_RUN"


@dataclass(frozen=True)
class PytestRun:
    """The output of a run, on stdout and stderr, and the outcomes of its tests.

    `outcomes` has, by the name of a test file, its tests' outcomes by name: `failed`, `skipped` or
    `passed`.
    """

    output: bytes
    outcomes: Mapping[str, Mapping[str, str]]


def run_pytest(folder: Path, arguments: list[str], variables: Mapping[str, str]) -> PytestRun:
    """Run pytest in the folder, as verbosely as it can; `run.log` and `run.xml` stay there.

    Raises RuntimeError inside such a run, because a test that runs itself would never end.
    """
    if _INNER_VARIABLE in os.environ:
        raise RuntimeError("an inner run of pytest must not start another one")
    # These variables tell a process that it is a worker of a parallel run; the inner run is none.
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *_VERBOSE, *arguments],
        cwd=folder,
        env={**outer, **variables, _INNER_VARIABLE: "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return PytestRun(run.stdout, _outcomes(folder / "run.xml"))


def _outcomes(report: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - pytest's own file
        kinds = {child.tag for child in case}
        failed = "failed" if kinds & {"failure", "error"} else None
        outcome = failed or ("skipped" if "skipped" in kinds else "passed")
        found[Path(case.get("file", "")).name][case.attrib["name"]] = outcome
    return found
