"""The suite for scripts: the command of `hatch run test:all`, run in the script's environment."""

import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from junit_results import TestResult, results

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class SuiteRun:
    """A finished run of the suite."""

    seconds: float
    summary: str  # pytest's last line, such as "12 passed in 3.40s"
    output: str
    passed: bool
    tests: dict[str, TestResult]  # by node id; empty if no test was run


def pytest_command() -> list[str]:
    """Return the command for the whole suite, to be run in ROOT; pytest options can follow it."""
    return [sys.executable, "-m", *shlex.split(_environment()["scripts"]["suite"])]


def matrix_of(environment: str) -> list[str]:
    """Return the SDK releases of an environment's matrix in hatch.toml, from the oldest on."""
    environments = tomllib.loads((ROOT / "hatch.toml").read_text(encoding="utf-8"))["envs"]
    return [str(release) for release in environments[environment]["matrix"][0]["sdk"]]


def sdk_release() -> str:
    """Return the release of the installed SDK, or `unknown`."""
    try:
        return version("lmstudio")
    except PackageNotFoundError:
        return "unknown"


def run_suite(options: list[str]) -> SuiteRun:
    """Run the whole suite quietly with these pytest options, and return what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder) / "junit.xml"
        begun = time.monotonic()
        run = subprocess.run(
            [*pytest_command(), "-q", "-rfE", *options, f"--junitxml={junit}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - begun
        tests = results(junit) if junit.is_file() else {}
    lines = run.stdout.strip().splitlines() or run.stderr.strip().splitlines() or ["no output"]
    summary = lines[-1].strip("= ")
    return SuiteRun(seconds, summary, run.stdout + run.stderr, run.returncode == 0, tests)


def _environment() -> dict[str, Any]:
    """Return the environment `test` of hatch.toml."""
    tables = tomllib.loads((ROOT / "hatch.toml").read_text(encoding="utf-8"))
    environment: dict[str, Any] = tables["envs"]["test"]
    return environment
