"""Runs one edge process and cleans up after it, whatever happens to the tests.

The first line of the supervisor's stdin is a JSON object: `argv`, the command to run;
`environment`, its variables; `folder`, a folder to remove when it ends; `kept`, a folder to keep if
the edge may start again; and `stdin`, the text for the command's own stdin. Keys are only in that
text, so that no process list shows them. When its own stdin ends, the supervisor stops the process
and removes `folder`. It also removes `kept`, unless the word `keep` came last on its stdin: tests
that are killed do not write it.
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

# Written before the end of stdin by whoever may start the edge again.
KEEP = "keep"


def main() -> int:
    """Run the process that the instruction on stdin describes; return its exit status."""
    instruction: dict[str, Any] = json.loads(sys.stdin.readline())
    words: list[str] = []
    try:
        return _run(instruction, words)
    finally:
        shutil.rmtree(instruction["folder"], ignore_errors=True)
        if words != [KEEP]:
            shutil.rmtree(instruction["kept"], ignore_errors=True)


def _run(instruction: dict[str, Any], words: list[str]) -> int:
    process = subprocess.Popen(
        instruction["argv"],
        env=instruction["environment"],
        cwd=instruction["folder"],
        stdin=subprocess.PIPE,
        text=True,
    )
    # Ending the supervisor is meant to end the edge.
    signal.signal(signal.SIGTERM, lambda number, frame: process.terminate())
    assert process.stdin is not None
    try:
        process.stdin.write(instruction["stdin"])
        process.stdin.close()
    except BrokenPipeError:
        pass  # it has ended already and said why on stderr
    threading.Thread(target=_stop_at_end_of_input, args=(process, words), daemon=True).start()
    return process.wait()


def _stop_at_end_of_input(process: subprocess.Popen[str], words: list[str]) -> None:
    words.extend(sys.stdin.read().split())
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    # A normal exit would flush stderr, whose pipe may be closed, and print a traceback.
    status = main()
    sys.stdout.flush()
    os._exit(status if status >= 0 else 1)
