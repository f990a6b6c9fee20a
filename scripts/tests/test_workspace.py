"""hatch.toml and pyproject.toml are as docs/environments.md describes them."""

import sys
from pathlib import Path
from typing import Any

import pytest
import suite_command

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HATCH: dict[str, Any] = tomllib.loads(
    (suite_command.ROOT / "hatch.toml").read_text(encoding="utf-8")
)
PROJECT: dict[str, Any] = tomllib.loads(
    (suite_command.ROOT / "pyproject.toml").read_text(encoding="utf-8")
)
ENVIRONMENTS: dict[str, Any] = HATCH["envs"]


def test_only_pythons_names_a_python() -> None:
    """Only the environment `pythons` names a Python: a new machine has only the running one."""
    named = {
        name
        for name, environment in ENVIRONMENTS.items()
        if "python" in environment
        or any("python" in matrix for matrix in environment.get("matrix", []))
    }
    assert named == {"pythons"}


def test_scripts_run_the_same_suite() -> None:
    """Scripts run the suite with the command of `hatch run test:all`."""
    command = suite_command.pytest_command()
    assert command[:3] == [sys.executable, "-m", "pytest"]
    assert "testpaths=packages/sdk-tests/tests packages/waf-tests/tests" in command


def test_sdk_release_stands_once() -> None:
    """The release under test is one of the matrix, and no other environment names a release."""
    (release,) = PROJECT["dependency-groups"]["sdk"]
    assert release.removeprefix("lmstudio==") in ENVIRONMENTS["test"]["matrix"][0]["sdk"]
    assert [name for name, each in ENVIRONMENTS.items() if "lmstudio==" in str(each)] == ["test"]


@pytest.mark.parametrize("environment", ["models", "waf"])
def test_servers_in_the_foreground_end_with_hatch(environment: str) -> None:
    """What `serve` starts ends with Hatch, which passes no signal on; cmd.exe has no $PPID."""
    script = ENVIRONMENTS[environment]["scripts"]["serve"]
    assert " serve --end-with $PPID {args}" in script
    plain = script.replace(" --end-with $PPID", "")
    overrides = ENVIRONMENTS[environment]["overrides"]["platform"]["windows"]
    assert overrides["scripts"] == [f"serve={plain}"]


def test_scripts_quote_as_every_shell_does() -> None:
    """No script has single quotes, which are no quotes to cmd.exe."""
    commands = [
        command
        for environment in ENVIRONMENTS.values()
        for script in environment.get("scripts", {}).values()
        for command in ([script] if isinstance(script, str) else script)
    ]
    assert [command for command in commands if "'" in command] == []


@pytest.mark.parametrize(
    "package",
    [*sorted(suite_command.ROOT.glob("packages/*")), *suite_command.ROOT.glob("examples/*")],
    ids=lambda path: path.name,
)
def test_types_are_checked_in_every_package(package: Path) -> None:
    """mypy knows where the modules of each package begin, in src and beside it."""
    mypy_path = PROJECT["tool"]["mypy"]["mypy_path"]
    folder = package.relative_to(suite_command.ROOT).as_posix()
    assert {f"{folder}/src", folder} <= set(mypy_path)


def test_every_environment_is_documented() -> None:
    """The table of docs/environments.md has every environment and script that hatch.toml has."""
    page = (suite_command.ROOT / "docs" / "environments.md").read_text(encoding="utf-8")
    commands = {
        f"{name}:{script}"
        for name, environment in ENVIRONMENTS.items()
        for script in environment.get("scripts", {})
    } - {"test:suite", "local:sdk", "hatch-test:run"}  # parts of others
    assert {command for command in commands if f"{command}`" not in page} == set()
