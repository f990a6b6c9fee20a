"""The process of an edge, which a supervisor process starts, stops and cleans up after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

from .errors import EdgeError
from .launch_plan import LaunchPlan
from .process_supervisor import KEEP

_SUPERVISOR = Path(__file__).with_name("process_supervisor.py")
# The programs get only these variables: none of the user's settings, and no key.
_ENVIRONMENT = ("PATH", "SYSTEMROOT", "LANG", "LD_LIBRARY_PATH")
_MESSAGE_LENGTH = 300
_START_SECONDS = 30.0


class EdgeProcess:
    """One run of one edge program. `log` holds the lines that it has written so far."""

    def __init__(self, plan: LaunchPlan, kept: Path) -> None:
        """Start the program and wait until it serves. Raises EdgeError if it does not start.

        `kept` is a folder that outlives the process unless the tests are killed.
        """
        self.log: list[str] = []
        self._plan = plan
        self._ready = threading.Event()
        for name, text in plan.files.items():
            (plan.folder / name).write_text(text, encoding="utf-8")
        # Isolated (-I) and by path, because the supervisor needs only the standard library.
        self._supervisor = subprocess.Popen(
            [sys.executable, "-I", str(_SUPERVISOR)],
            env=_environment(plan.folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            # Ctrl-C in the terminal is for the tests alone, which then stop the edge.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # for Windows
        )
        assert self._supervisor.stdin is not None
        assert self._supervisor.stderr is not None
        self._stdin: IO[str] = self._supervisor.stdin
        self._stderr: IO[str] = self._supervisor.stderr
        self._instruct(kept)
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        self._wait_until_ready()

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._supervisor.pid

    def stop(self) -> None:
        """Stop the program and wait until it is gone and its folder is removed."""
        with suppress(BrokenPipeError):  # it has ended already
            self._stdin.write(KEEP)
            self._stdin.close()
        self._supervisor.wait()
        self._reader.join()
        self._stderr.close()

    def _instruct(self, kept: Path) -> None:
        plan = self._plan
        instruction = {
            "argv": plan.argv,
            "environment": _environment(plan.folder),
            "folder": str(plan.folder),
            "kept": str(kept),
            "stdin": plan.stdin,
        }
        self._stdin.write(json.dumps(instruction) + "\n")
        self._stdin.flush()

    def _read_log(self) -> None:
        for line in self._stderr:
            self.log.append(line.rstrip("\n"))
            if self._plan.ready in line:
                self._ready.set()
        self._ready.set()  # it has ended, so there is nothing to wait for

    def _wait_until_ready(self) -> None:
        served = self._ready.wait(_START_SECONDS) and any(self._plan.ready in x for x in self.log)
        if served:
            return
        self.stop()
        program = Path(self._plan.argv[0]).name
        said = _last_message(self.log)
        raise EdgeError(f"{program} does not start: {said[:_MESSAGE_LENGTH]}")


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    home = str(folder)
    # Caddy keeps files of its own in these; nginx and Python keep none.
    return {**kept, "HOME": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home, "TMPDIR": home}


def _last_message(log: list[str]) -> str:
    """Return the last message of the program's log, without Caddy's JSON around it."""
    if not log:
        return "it said nothing"
    try:
        entry = json.loads(log[-1])
    except ValueError:
        return log[-1]
    return str(entry.get("error") or entry.get("msg") or log[-1])
