"""Measure what an author of an application waits for: from `pip install` to green tests.

    hatch run packages:measure [--cold] [--only-chat]

`--cold` begins without pip's cache and without weights, in temporary folders; without it, both are
the user's own. `--only-chat` runs the tests that need no other model than that for chats. The tests
run three times: after the installation, again, and in two processes. Beside each time are the
seconds of processor time, which a busy machine hardly changes, and the last minute's load average.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from build_packages import BuildError
from run_example import (
    CACHE_VARIABLE,
    ExampleError,
    author_environ,
    build_wheel,
    install,
    make_environment,
    new_folder,
    run_tests,
)

CHAT_ONLY = ("tests/test_conversation.py", "tests/test_tickets.py", "tests/test_command_line.py")
CHILDREN = ("children_user", "children_system")
T = TypeVar("T")


def main() -> int:
    """Measure, print the figures, and return 1 if the example or its tests fail."""
    parser = argparse.ArgumentParser(description="Measure from pip to green tests.")
    parser.add_argument("--cold", action="store_true", help="without pip's cache and weights")
    parser.add_argument("--only-chat", action="store_true", help="only tests of the chat model")
    given = parser.parse_args()
    try:
        with new_folder() as folder:
            return _measure(folder, cold=given.cold, tests=CHAT_ONLY if given.only_chat else ())
    except (BuildError, ExampleError) as error:
        print(f"packages:measure: {error}", file=sys.stderr)
        return 1


def _measure(folder: Path, *, cold: bool, tests: tuple[str, ...]) -> int:
    environ = author_environ()
    fetched = {"PIP_CACHE_DIR": folder / "pip", CACHE_VARIABLE: folder / "weights"}
    if cold:
        environ |= {name: str(path) for name, path in fetched.items()}
    wheel = build_wheel(folder)
    python = make_environment(folder)
    before = megabytes(folder / "environment")
    options = ["-q", *tests]
    seconds = [
        timed("pip install", lambda: install(python, wheel, folder, environ)),
        timed("tests", lambda: run_tests(python, folder, options, environ)),
    ]
    print(f"together: {sum(each for each, _ in seconds):.1f} s")
    again = timed("tests again", lambda: run_tests(python, folder, options, environ))
    two = timed("tests with -n 2", lambda: run_tests(python, folder, [*options, "-n2"], environ))
    print(f"-n 2 takes {two[0] / again[0]:.2f} of one process's time")
    print(f"installed: {megabytes(folder / 'environment') - before:.0f} MB")
    if cold:
        for what, path in zip(("pip's cache", "weights"), fetched.values(), strict=True):
            print(f"{what}: {megabytes(path):.0f} MB")
    return 1 if any((seconds[1][1], again[1], two[1])) else 0


def timed(what: str, run: Callable[[], T]) -> tuple[float, T]:
    """Run something, print how long it took, and return the seconds and its result."""
    begun, used = time.monotonic(), os.times()
    result = run()
    seconds, after = time.monotonic() - begun, os.times()
    # On Windows, children's times are 0.
    cpu = sum(getattr(after, name) - getattr(used, name) for name in CHILDREN)
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{what}: {seconds:.1f} s ({cpu:.1f} s of processor time{load})", flush=True)
    return seconds, result


def megabytes(folder: Path) -> float:
    """Return the size of all files in a folder, each counted once, in MB (1e6 bytes)."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum({path.stat().st_ino: path.stat().st_size for path in files}.values()) / 1e6


if __name__ == "__main__":
    sys.exit(main())
