"""Runs pytest in a process of its own, so that a test can look at what it writes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

# All of pytest's options that make it show more, apart from --tb, --capture and --full-trace.
_TALKATIVE = (
    *("-vv", "-rA", "--showlocals", "--setup-show", "--durations=0", "-o", "junit_logging=all"),
    *("--log-level=DEBUG", "--log-cli-level=DEBUG", "--log-file=run.log", "--log-file-level=DEBUG"),
    *("--junitxml=run.xml", "-o", "junit_family=xunit1", "-p", "no:cacheprovider"),
)

_INNER_VARIABLE = "WAF_TESTS_INNER_RUN"


@dataclass(frozen=True)
class InnerRun:
    """What a run has said on stdout and stderr, and the outcomes of its tests.

    `outcomes`: by test file (its name alone), `failed`, `skipped` or `passed` by test name.
    """

    output: bytes
    outcomes: Mapping[str, Mapping[str, str]]


def run_pytest(folder: Path, arguments: list[str], variables: Mapping[str, str]) -> InnerRun:
    """Run pytest in the folder, as talkative as can be; `run.log` and `run.xml` are left there.

    Raises RuntimeError inside of such a run: a test that is run by itself would never end.
    """
    if _INNER_VARIABLE in os.environ:
        raise RuntimeError("an inner run starts no other one")
    # A worker of a parallel run is told so by variables, which are not for the inner run.
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *_TALKATIVE, *arguments],
        cwd=folder,
        env={**outer, **variables, _INNER_VARIABLE: "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return InnerRun(run.stdout, _outcomes(folder / "run.xml"))


def _outcomes(report: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - pytest's own file
        kinds = {child.tag for child in case}
        failed = "failed" if kinds & {"failure", "error"} else None
        outcome = failed or ("skipped" if "skipped" in kinds else "passed")
        found[Path(case.get("file", "")).name][case.attrib["name"]] = outcome
    return found
