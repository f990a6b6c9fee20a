"""Runs one edge process and cleans up after it, whatever happens to the tests.

The first line of its stdin is a JSON object with `argv`, `environment`, `folder`, `kept` and
`stdin`: what to run, with which environment, the folder to remove afterwards, the folder to keep
if the edge may start again, and the text for the process's own stdin. Keys travel only in that
text, so that no process list shows them. When its stdin ends the keeper stops the process and
removes the folder; unless the last word was `keep`, the other folder too. A test process that is
killed says no last word.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from typing import Any

# How long an edge may take to stop on its own, in seconds.
PATIENCE = 5.0

KEEP = "keep"


def main() -> int:
    """Run the process of the instruction on stdin; return its exit status."""
    instruction: dict[str, Any] = json.loads(sys.stdin.readline())
    last_words: list[str] = []
    try:
        return _run(instruction, last_words)
    finally:
        shutil.rmtree(instruction["folder"], ignore_errors=True)
        if last_words != [KEEP]:
            shutil.rmtree(instruction["kept"], ignore_errors=True)


def _run(instruction: dict[str, Any], last_words: list[str]) -> int:
    process = subprocess.Popen(
        instruction["argv"],
        env=instruction["environment"],
        cwd=instruction["folder"],
        stdin=subprocess.PIPE,
        text=True,
    )
    # Whoever ends the keeper means the edge.
    signal.signal(signal.SIGTERM, lambda number, frame: process.terminate())
    assert process.stdin is not None
    try:
        process.stdin.write(instruction["stdin"])
        process.stdin.close()
    except BrokenPipeError:
        pass  # it has ended already and said why on stderr
    threading.Thread(target=_stop_at_end_of_input, args=(process, last_words), daemon=True).start()
    return process.wait()


def _stop_at_end_of_input(process: subprocess.Popen[str], last_words: list[str]) -> None:
    last_words.extend(sys.stdin.read().split())
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    # The flush of a closed stderr pipe at exit would end in a traceback that nobody reads.
    status = main()
    sys.stdout.flush()
    os._exit(status if status >= 0 else 1)
