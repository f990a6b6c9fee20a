"""Installing npm packages, with a program in place of npm."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from . import npm_packages
from .npm_packages import InstallError, NodeMissingError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the programs here are shell scripts")
CLIENT = "lmstudio-2.0.0"


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide the only folder of programs, with a Node.js, and an empty cache."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("LMSTUDIO_TEST_CACHE", str(tmp_path / "cache"))
    program(folder, "node", "print('v18.0.0')")
    return folder


def program(folder: Path, name: str, source: str) -> None:
    """Write a program."""
    file = folder / name
    file.write_text(f"#!{sys.executable}\n{source}\n", encoding="utf-8")
    file.chmod(0o755)


def test_second_install_runs_nothing(programs: Path) -> None:
    """The packages stand in a folder named by the lock file's hash; they are installed once."""
    program(programs, "npm", "import os; os.mkdir('node_modules')")
    folder = npm_packages.install(CLIENT)
    assert sorted(each.name for each in folder.iterdir()) == [
        "node_modules",
        "package-lock.json",
        "package.json",
    ]
    program(programs, "npm", "raise SystemExit(1)")
    assert npm_packages.install(CLIENT) == folder


def test_failed_install(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error is npm's and names the command; nothing is left that would count as installed."""
    fail = "import sys; print('npm error code E404', file=sys.stderr); raise SystemExit(7)"
    program(programs, "npm", fail)
    with pytest.raises(InstallError, match=r"\(exit status 7\): code E404\. .* foreign:install"):
        npm_packages.install(CLIENT)
    assert not npm_packages.installed_folder(CLIENT).exists()
    assert npm_packages.main() == 1
    assert "E404" in capsys.readouterr().err


def test_without_npm(capsys: pytest.CaptureFixture[str]) -> None:
    """Without npm there is nothing to install, which is no failure of the command."""
    with pytest.raises(NodeMissingError, match="not both on PATH"):
        npm_packages.install(CLIENT)
    assert npm_packages.main() == 0
    assert "skipped" in capsys.readouterr().out


def test_old_node(programs: Path) -> None:
    """A Node.js that is too old counts as none, and the reason has its version."""
    program(programs, "npm", "")
    assert npm_packages.find_node() == str(programs / "node")
    program(programs, "node", "print('v16.20.2')")
    with pytest.raises(NodeMissingError, match=r"Node\.js 18 or newer .* is v16\.20\.2"):
        npm_packages.find_node()


@pytest.mark.parametrize("client", npm_packages.client_names())
def test_lock_files_name_no_registry(client: str) -> None:
    """Packages are checked by hash and fetched from whichever registry npm is configured for."""
    lock: Any = json.loads((npm_packages.SOURCES / client / "package-lock.json").read_bytes())
    packages = {path: entry for path, entry in lock["packages"].items() if path}
    assert [path for path, entry in packages.items() if "resolved" in entry] == []
    assert [path for path, entry in packages.items() if "integrity" not in entry] == []
