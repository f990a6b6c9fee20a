"""The header's line about the SDK under test."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from model_fixtures.pytest_plugin import sdk_description
from model_fixtures.pytest_plugin.sdk_description import describe_sdk

VERSION = version("lmstudio")


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder, independent of the user's settings."""
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", *identity, *arguments]
    subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a working tree with one commit, whose package comes before the installed one."""
    package = tmp_path / "src" / "lmstudio"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (tmp_path / "README").touch()
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "commit.gpgsign=false", "commit", "-m", "First")
    git(tmp_path, "-c", "tag.gpgsign=false", "tag", "v9.9")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(__import__("sys").modules, "lmstudio", raising=False)
    return tmp_path


def test_an_installed_release() -> None:
    """Of a release that is installed, the line names the folder."""
    described = describe_sdk()
    assert described is not None
    assert described.startswith(f"{VERSION} (installed in /")
    assert described.endswith("site-packages)")


def test_a_clean_working_tree(tree: Path) -> None:
    """Of a working tree, the line names the folder and what git describes."""
    state = f"(working tree {tree / 'src' / 'lmstudio'}, git describe: v9.9, clean)"
    assert describe_sdk() == f"{VERSION} {state}"


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ("README", "dirty"),
        ("src/lmstudio/__init__.py", "dirty"),
        ("src/lmstudio/new.py", "dirty"),
        ("notes", "clean"),
    ],
)
def test_a_changed_working_tree(tree: Path, changed: str, state: str) -> None:
    """Changes make a tree dirty, and so do new files of the package, but not those beside it."""
    (tree / changed).write_text("changed", encoding="utf-8")
    assert (describe_sdk() or "").endswith(f"git describe: v9.9, {state})")


def test_inside_a_hook(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a hook of git, whose variables name another repository, the SDK's own is asked."""
    other = tmp_path_factory.mktemp("other")
    git(other, "init")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert "git describe: v9.9, clean" in (describe_sdk() or "")


def test_without_git(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git, or outside of a repository, the line says why there is no more to say."""
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tree))
        assert (describe_sdk() or "").endswith("git is not installed)")
    (tree / ".git").rename(tree / "git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tree))
    assert "no state known: fatal: not a git repository" in (describe_sdk() or "")


def test_no_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an SDK there is no line."""
    monkeypatch.setattr(sdk_description, "PACKAGE", "no_such_package")
    assert describe_sdk() is None
