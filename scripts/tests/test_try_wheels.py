"""What a release does with installed wheels works with what is installed here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import try_wheels
from build_packages import packages_version

PROGRAMS = Path(sys.executable).parent


@pytest.mark.slow
def test_the_installed_packages_pass(tmp_path: Path) -> None:
    """Commands, imports, the plugin and a chat with the server work from a foreign folder."""
    said = try_wheels.exercise(PROGRAMS, tmp_path)
    assert said[1] == f"model-fixtures {packages_version()}"
    assert said[2] == "5 test models"
    assert said[3].startswith("an answer: ")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_installed(tmp_path: Path) -> None:
    """Without wheels, or with a command that is missing, the error says so."""
    with pytest.raises(try_wheels.TrialError, match="there is no wheel in "):
        try_wheels.install(tmp_path, sys.executable, tmp_path / "environment")
    with pytest.raises(try_wheels.TrialError, match="python: No such file"):
        try_wheels.exercise(tmp_path, tmp_path)


def test_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of another version than the checkout's is an error."""
    monkeypatch.setattr(try_wheels, "packages_version", lambda: "9.9.9")
    with pytest.raises(try_wheels.TrialError, match=r"says model-fixtures .*, not 9\.9\.9$"):
        try_wheels.exercise(PROGRAMS, tmp_path)
