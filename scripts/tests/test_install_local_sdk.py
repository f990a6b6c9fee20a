"""What `hatch run local:all` prints for a wrong LMSTUDIO_SDK_PATH."""

from pathlib import Path

import install_local_sdk
import pytest


def test_unset(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the variable: exit code 2 and one line with an example."""
    monkeypatch.delenv("LMSTUDIO_SDK_PATH", raising=False)
    assert install_local_sdk.main() == 2
    assert capsys.readouterr().err == (
        "local: set LMSTUDIO_SDK_PATH to the working tree of the SDK:"
        " LMSTUDIO_SDK_PATH=~/lmstudio-python\n"
    )


def test_no_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """For a folder that is no SDK tree: exit code 2 and one line that names it."""
    monkeypatch.setenv("LMSTUDIO_SDK_PATH", str(tmp_path))
    assert install_local_sdk.main() == 2
    error = capsys.readouterr().err
    assert error == (
        f"local: LMSTUDIO_SDK_PATH={tmp_path} is no SDK working tree:"
        " no pyproject.toml and src/lmstudio\n"
    )


def test_the_registrys_release_is_no_tree(tmp_path: Path) -> None:
    """An SDK from the registry does not count as an installed tree."""
    assert not install_local_sdk.is_installed(tmp_path, 0.0)
