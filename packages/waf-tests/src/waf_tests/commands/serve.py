"""The edge in the foreground, for trying clients by hand."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from model_fixtures.hosts import select_host
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.hosts.process_watch import call_after_end_of

from waf_tests.edge import Edge
from waf_tests.secret import Secret
from waf_tests.settings import KEY_VARIABLE

from .shell_quoting import command_line, command_line_in

Say = Callable[[str], None]


def serve(
    *,
    host: str | None,
    key: Secret | None,
    port: int,
    say: Say,
    key_file: Path | None = None,
    end_with: int | None = None,
) -> None:
    """Run the edge until Ctrl-C (or SIGTERM) before `host`, or the host that is found.

    `end_with` is the id of a process whose end stops the edge as well.

    Prints its URL and CA file and, only when no key is given, the key that it has made up; and a
    command that tries it, to be pasted into another shell. `port` 0 is any that is free.
    `key_file` is the env file that the key is from, None for a key from elsewhere.
    Without a host, the embedded server is started behind it. Raises EdgeError for a key or a port
    that cannot be used.
    """
    with ExitStack() as running, _until_stopped() as stopped:
        found = select_host(host).host
        if found is None:
            origin = running.enter_context(EmbeddedServer()).address
            say(f"origin   {origin} (embedded server with stand-in models)")
        else:
            origin = found.address
            say(f"origin   {origin} ({found.reason})")
        if end_with is not None:
            call_after_end_of(end_with, stopped.set)
        edge = running.enter_context(Edge(origin, key=key, port=port))
        say(f"url      {edge.api_host}")
        say(f"ca file  {edge.ca_file}")
        if key is None:
            say(f"key      {edge.key.reveal()} (made up for this edge)")
        say(f"try      {_trial(edge, given=key is not None, key_file=key_file)}")
        say("Ctrl-C stops it.")
        stopped.wait()


def _trial(edge: Edge, *, given: bool, key_file: Path | None) -> str:
    """Return the command that tries the edge; it shows no key that was given.

    Such a key is read from its file, else the command asks for it.
    """
    windows = os.name == "nt"
    check = (sys.executable, "-m", "waf_tests", "check")
    command = (*check, "--host", edge.api_host, "--ca-file", str(edge.ca_file))
    if given and key_file:
        return command_line_in(key_file.parent, command, windows=windows)
    value = None if given else edge.key.reveal()
    return command_line(command, variable=KEY_VARIABLE, value=value, windows=windows)


@contextmanager
def _until_stopped() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C and SIGTERM set."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
