"""Paths as users write them, and the per-user folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_fixtures.user_paths import cache_folder, expanded, state_folder


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """LMSTUDIO_TEST_CACHE names the folder; if it is empty or not set, the per-user one is used."""
    monkeypatch.setenv("LMSTUDIO_TEST_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LMSTUDIO_TEST_CACHE", "here")
    assert cache_folder() == tmp_path / "here"
    monkeypatch.setenv("LMSTUDIO_TEST_CACHE", "")
    per_user = cache_folder()
    monkeypatch.delenv("LMSTUDIO_TEST_CACHE")
    assert cache_folder() == per_user
    assert "lmstudio-model-fixtures" in per_user.parts


def test_state_folder() -> None:
    """The state folder is named after the package, and is not the cache folder."""
    assert "lmstudio-model-fixtures" in state_folder().parts
    assert state_folder() != cache_folder()


def test_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`~` becomes the home folder; the name of an unknown user stays in the path."""
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert expanded("~/models") == tmp_path / "models"
    assert expanded("~nobody-here/models") == Path("~nobody-here/models")
