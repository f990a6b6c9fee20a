"""Runs of several stages, each a process of its own; a run that was stopped goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .work_folders import WORK_VARIABLE

Call = Callable[[Sequence[str], Mapping[str, str]], int]
STOPPED = 130  # the exit status after Ctrl-C


@dataclass(frozen=True)
class Stage:
    """One step: ``python -m module arguments``.

    A stage with ``gives`` is skipped once that file is there (so it must be written in one move);
    the others know themselves what is left to do, or are quick.
    """

    name: str
    module: str
    arguments: Sequence[str] = ()
    output: Path | None = None
    environ: Mapping[str, str] = field(default_factory=dict)


class SettingsError(Exception):
    """A folder holds a run of other settings; one line."""


def check_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Note what a run's result follows from, or compare with what the folder's run was begun with.

    Raises:
        SettingsError: they differ, so that going on would give something that no seed names.
    """
    path = folder / "settings.json"
    if path.exists():
        begun: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        other = {key: value for key, value in begun.items() if settings.get(key) != value}
        if other:
            wanted = {key: settings.get(key) for key in other}
            msg = f"{folder} holds a run with {other}, not {wanted}: name another --work"
            raise SettingsError(msg)
        return
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(dict(settings)), encoding="utf-8")
    part.replace(path)


def call(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command to its end. Ctrl-C reaches it too (same process group) and is waited for."""
    process = subprocess.Popen(command, env=dict(environ))
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        return STOPPED


def run(stages: Sequence[Stage], work: Path, call: Call = call) -> int:
    """Run the stages in their order, up to the first that fails.

    Args:
        stages: what is to be done.
        work: the folder that the stages find in ``LMSTUDIO_TRAINING_WORK``.
        call: runs a command with an environment and returns its exit status.

    Returns:
        0, or the exit status of the stage that failed or was stopped.
    """
    for number, stage in enumerate(stages, 1):
        title = f"[{number}/{len(stages)}] {stage.name}"
        if stage.output is not None and stage.output.exists():
            print(f"{title}: done already", flush=True)
            continue
        print(title, flush=True)
        command = [sys.executable, "-m", stage.module, *stage.arguments]
        status = call(command, {**os.environ, WORK_VARIABLE: str(work), **stage.environ})
        if status == STOPPED:
            print("stopped; the same command goes on from the last checkpoint", flush=True)
        elif status:
            print(f"{stage.name} failed with status {status}", file=sys.stderr, flush=True)
        if status:
            return status
    return 0
