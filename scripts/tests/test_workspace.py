"""hatch.toml and pyproject.toml keep what the README promises."""

import sys
from pathlib import Path
from typing import Any

import pytest
import suite

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ENVIRONMENTS: dict[str, Any] = tomllib.loads((suite.ROOT / "hatch.toml").read_text())["envs"]


def test_only_pythons_names_a_python() -> None:
    """No environment but `pythons` names a Python: a fresh machine has just the running one."""
    named = {
        name
        for name, environment in ENVIRONMENTS.items()
        if "python" in environment
        or any("python" in matrix for matrix in environment.get("matrix", []))
    }
    assert named == {"pythons"}


def test_scripts_run_the_same_suite() -> None:
    """Scripts run the suite with the options and folders that `hatch run test:all` gives it."""
    command = suite.pytest_command()[3:]
    words = ENVIRONMENTS["test"]["scripts"]["suite"].replace('"', "").split(maxsplit=6)
    assert words == ["pytest", *command[:4], command[4], command[5]]


@pytest.mark.parametrize(
    "package", sorted(suite.ROOT.glob("packages/*")), ids=lambda path: path.name
)
def test_types_are_checked_in_every_package(package: Path) -> None:
    """mypy knows where the modules of each package begin, in src and beside it."""
    mypy = tomllib.loads((suite.ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert {f"packages/{package.name}/src", f"packages/{package.name}"} <= set(mypy["mypy_path"])


def test_every_environment_is_in_the_readme() -> None:
    """The README's table has every environment and every script that hatch.toml has."""
    readme = (suite.ROOT / "README.md").read_text()
    commands = {
        f"{name}:{script}"
        for name, environment in ENVIRONMENTS.items()
        for script in environment.get("scripts", {})
    } - {"test:suite", "local:sdk", "hatch-test:run"}  # parts of others
    assert {command for command in commands if f"{command}`" not in readme} == set()
