"""Hatch in a package's folder does what it does in the root folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import suite_command

PACKAGES = sorted(path.parent for path in suite_command.ROOT.glob("packages/*/pyproject.toml"))


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Provide the collector's module, with a stand-in for Hatch, which is not installed here."""

    class Interface:
        def __init__(self, root: Path) -> None:
            self.root = root

    for name in ("hatch", "hatch.env", "hatch.env.collectors", "hatch.env.collectors.plugin"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    interface = ModuleType("hatch.env.collectors.plugin.interface")
    interface.EnvironmentCollectorInterface = Interface  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    monkeypatch.delitem(sys.modules, "redirect_hatch_to_root", raising=False)
    import redirect_hatch_to_root

    return redirect_hatch_to_root


@pytest.fixture
def started(collector: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """Provide the commands that replaced the process, with the folder of each."""
    commands: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(
        subprocess if os.name == "nt" else os,
        "call" if os.name == "nt" else "execv",
        lambda *arguments: commands.append((os.getcwd(), list(arguments[-1]))),  # noqa: PTH109
    )
    return commands


def collect(collector: ModuleType, monkeypatch: pytest.MonkeyPatch, at: Path, command: str) -> Any:
    """Collect a package's environments as Hatch does, started in a folder with a command."""
    root = SimpleNamespace(
        obj=SimpleNamespace(project=SimpleNamespace(location=at)), invoked_subcommand=command
    )
    context = SimpleNamespace(find_root=lambda: root)
    monkeypatch.setattr(collector.click, "get_current_context", lambda silent: context)
    monkeypatch.setattr(sys, "argv", ["hatch", command, "x"])
    monkeypatch.chdir(PACKAGES[0])
    return collector.RootEnvironments(PACKAGES[0]).get_initial_config()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_every_package_has_the_collector(package: Path) -> None:
    """Each package names the collector: Hatch would know no environments in its folder."""
    named = (package / "hatch.toml").read_text(encoding="utf-8")
    assert 'path = "../../scripts/redirect_hatch_to_root.py"' in named
    assert (package / "../../scripts/redirect_hatch_to_root.py").is_file()


def test_environments_come_from_the_root(
    collector: ModuleType,
    started: list[tuple[str, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A command that needs environments starts again in the root folder."""
    assert collect(collector, monkeypatch, PACKAGES[0], "run") == {}
    assert started == [(str(suite_command.ROOT), [sys.executable, "-m", "hatch", "run", "x"])]


@pytest.mark.parametrize(
    ("at", "command"), [(PACKAGES[0], "build"), (suite_command.ROOT, "run"), (PACKAGES[-1], "run")]
)
def test_other_commands_stay(
    collector: ModuleType,
    started: list[tuple[str, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
    at: Path,
    command: str,
) -> None:
    """A build of the package, and a command that was started elsewhere, go on where they are."""
    assert collect(collector, monkeypatch, at, command) == {}
    assert started == []
