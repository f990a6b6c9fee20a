"""Run the suite from scripts: the command of `hatch run test:all`, in the script's environment."""

import shlex
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent


def pytest_command() -> list[str]:
    """Return the command for the whole suite, to be run in ROOT; pytest options can follow it."""
    environments = tomllib.loads((ROOT / "hatch.toml").read_text(encoding="utf-8"))["envs"]
    return [sys.executable, "-m", *shlex.split(environments["test"]["scripts"]["suite"])]
