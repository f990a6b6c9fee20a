"""The check of types: which options mypy gets, and what comes of its findings."""

import subprocess
from pathlib import Path
from typing import Any

import check_types
import pytest


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Provide the commands that were run; mypy finds errors in packages whose name has "bad"."""
    run: list[list[str]] = []

    def record(command: list[str], **_options: Any) -> "subprocess.CompletedProcess[str]":
        run.append(command[3:])
        return subprocess.CompletedProcess(command, 1 if "bad" in command[-1] else 0)

    monkeypatch.setattr("subprocess.run", record)
    return run


def test_all_is_checked_by_itself(commands: list[list[str]]) -> None:
    """Each package, the example and the scripts have a run of mypy of their own."""
    assert check_types.main([]) == 0
    names = [Path(path).name for (path,) in commands]
    assert names == ["model-fixtures", "sdk-tests", "waf-tests", "assistant", "scripts"]


def test_goes_on_after_errors(commands: list[list[str]]) -> None:
    """An error in one package is remembered, and the next is checked all the same."""
    assert check_types.main([str(check_types.ROOT / name) for name in ("bad", "good")]) == 1
    assert len(commands) == 2


def test_other_system_and_python(commands: list[list[str]]) -> None:
    """The system and the Python reach mypy; for another system the tests are left out."""
    options = ["--platform", "win32", "--python-version", "3.14"]
    assert check_types.main(["scripts", *options]) == 0
    (command,) = commands
    assert " ".join(options[:2]) in " ".join(command)
    assert " ".join(options[2:]) in " ".join(command)
    assert check_types.TESTS in command
