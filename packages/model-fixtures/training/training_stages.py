"""A training run as a list of stages, each in a process of its own, and its command line.

A run that was stopped continues when the same command is started again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .atomic_files import write_json
from .work_folders import WORK_VARIABLE, work

Call = Callable[[Sequence[str], Mapping[str, str]], int]
STOPPED = 130  # the exit status after Ctrl-C


@dataclass(frozen=True)
class Stage:
    """One step of a run, the command ``python -m module arguments``.

    A stage with an ``output`` is skipped once that file exists, so the stage must write it in one
    move. The other stages find out for themselves what is left to do, or take little time.
    """

    name: str
    module: str
    arguments: Sequence[str] = ()
    output: Path | None = None
    environ: Mapping[str, str] = field(default_factory=dict)


class RunSettingsError(Exception):
    """A folder holds a run with other settings; the message is one line."""


def check_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Check that a folder is new or holds a run with these settings, and note them there.

    Raises:
        RunSettingsError: the folder's run has other settings. If it continued with these, no seed
            would stand for its result.
    """
    path = folder / "settings.json"
    if not path.exists():
        write_json(path, dict(settings))
        return
    begun: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    other = {key: value for key, value in begun.items() if settings.get(key) != value}
    if other:
        wanted = {key: settings.get(key) for key in other}
        raise RunSettingsError(
            f"{folder} holds a run with {other}, not {wanted}: name another --work"
        )


def command_parser(command: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser for ``hatch run train:COMMAND`` with the options --seed and --work."""
    parser = argparse.ArgumentParser(prog=f"hatch run train:{command}", description=description)
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of all random numbers (default: %(default)s)"
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=work(),
        help="folder for data and checkpoints (default: %(default)s)",
    )
    return parser


def run_folder(
    parser: argparse.ArgumentParser, work: Path, name: str, settings: Mapping[str, Any]
) -> Path:
    """Return the folder ``name`` in ``work``; exit with one line if it has other settings."""
    folder = work.absolute() / name
    try:
        check_settings(folder, settings)
    except RunSettingsError as error:
        parser.error(str(error))
    return folder


def call(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command to its end and return its exit status.

    Ctrl-C reaches the command too, since it is in the same process group; this waits for its end.
    """
    process = subprocess.Popen(command, env=dict(environ))
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        return STOPPED


def run(stages: Sequence[Stage], work: Path, call: Call = call) -> int:
    """Run the stages in order, and stop at the first that fails.

    Args:
        stages: what to run.
        work: the folder that the stages find in ``LMSTUDIO_TRAINING_WORK``.
        call: runs a command with an environment and returns its exit status.

    Returns:
        0, or the exit status of the stage that failed or was stopped.
    """
    for number, stage in enumerate(stages, 1):
        title = f"[{number}/{len(stages)}] {stage.name}"
        if stage.output is not None and stage.output.exists():
            print(f"{title}: already done", flush=True)
            continue
        print(title, flush=True)
        command = [sys.executable, "-m", stage.module, *stage.arguments]
        status = call(command, {**os.environ, WORK_VARIABLE: str(work), **stage.environ})
        if status == STOPPED:
            print("stopped; the same command continues from the last checkpoint", flush=True)
        elif status:
            print(f"{stage.name} failed with status {status}", file=sys.stderr, flush=True)
        if status:
            return status
    return 0
