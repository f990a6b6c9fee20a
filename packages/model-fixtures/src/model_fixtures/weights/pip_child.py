"""Runs pip in a process that ends with its parent. `wheel_download.py` starts it as a script.

The parent holds the other end of standard input. When the parent ends, even by SIGKILL, the pipe is
closed and this process ends, so no download outlives the run that started it.
"""

import os
import sys

NO_PIP = 90
ORPHANED = 91


def main() -> None:
    """Run pip with this script's arguments, or exit with NO_PIP if it is not installed."""
    # Modules in this script's folder must not shadow those that pip imports.
    if sys.path and sys.path[0] == os.path.dirname(os.path.abspath(__file__)):  # noqa: PTH100, PTH120
        del sys.path[0]
    import importlib.util
    import runpy
    import threading

    def wait_for_parent() -> None:
        # Unlike sys.stdin, os.read holds no lock that would block the exit of the interpreter.
        while os.read(0, 1):
            pass
        os._exit(ORPHANED)

    threading.Thread(target=wait_for_parent, daemon=True).start()
    if importlib.util.find_spec("pip") is None:
        sys.exit(NO_PIP)
    sys.argv[0] = "pip"
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
