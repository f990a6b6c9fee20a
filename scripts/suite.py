"""How scripts run the suite: as `hatch run test:all` does, in the script's own environment."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = [f"packages/{package}/tests" for package in ("sdk-tests", "waf-tests")]


def pytest_command(workers: int = 2) -> list[str]:
    """A command for the whole suite, on which further pytest options can follow; run it in ROOT."""
    paths = f"testpaths={' '.join(TESTS)}"
    return [sys.executable, "-m", "pytest", "-n", str(workers), "--dist", "loadfile", "-o", paths]
