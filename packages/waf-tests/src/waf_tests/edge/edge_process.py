"""An edge's process: started through the keeper, ready when it says so, gone without a trace."""

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
from .launch_plan import Plan

_KEEPER = Path(__file__).with_name("process_supervisor.py")
# What the programs need; nothing of the user's settings, and no key, reaches them.
_ENVIRONMENT = ("PATH", "SYSTEMROOT", "LANG", "LD_LIBRARY_PATH")
_MESSAGE_LENGTH = 300
_START_SECONDS = 30.0
_KEEP = "keep\n"


class EdgeProcess:
    """One run of one edge program. `log` holds the lines that it has written so far."""

    def __init__(self, plan: Plan, kept: Path) -> None:
        """Start the program and return when it serves; raises EdgeError if it does not.

        `kept` is a folder that outlives the process unless the tests are killed.
        """
        self.log: list[str] = []
        self._plan = plan
        self._ready = threading.Event()
        for name, text in plan.files.items():
            (plan.folder / name).write_text(text, encoding="utf-8")
        # Isolated (-I) and by path: the keeper needs nothing but the standard library.
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", str(_KEEPER)],
            env=_environment(plan.folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            # A Ctrl-C in the terminal is for the tests; they stop the edge.
            start_new_session=True,
        )
        assert self._keeper.stdin is not None
        assert self._keeper.stderr is not None
        self._stdin: IO[str] = self._keeper.stdin
        self._stderr: IO[str] = self._keeper.stderr
        self._instruct(kept)
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        self._wait_until_ready()

    @property
    def pid(self) -> int:
        """The keeper's process id."""
        return self._keeper.pid

    def stop(self) -> None:
        """End the program; returns when it is gone and its folder is removed."""
        with suppress(BrokenPipeError):  # it has ended already
            self._stdin.write(_KEEP)
            self._stdin.close()
        self._keeper.wait()
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
        self._ready.set()  # it has ended: nothing to wait for

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
    """Return the last thing the program said, without Caddy's JSON around it."""
    if not log:
        return "it said nothing"
    try:
        entry = json.loads(log[-1])
    except ValueError:
        return log[-1]
    return str(entry.get("error") or entry.get("msg") or log[-1])
