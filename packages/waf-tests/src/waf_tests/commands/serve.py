"""The edge in the foreground, for trying clients by hand."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

from model_fixtures.hosts import select_host
from model_fixtures.hosts.embedded_server import EmbeddedServer

from waf_tests.edge import Edge
from waf_tests.secret import Secret
from waf_tests.settings import KEY_VARIABLE

from .shell_quoting import command_line

Say = Callable[[str], None]


def serve(*, host: str | None, key: Secret | None, port: int, say: Say) -> None:
    """Run the edge until Ctrl-C (or SIGTERM) before `host`, or the host that is found.

    Prints its URL and CA file and, only when no key is given, the key that it has made up; and a
    command that tries it, to be pasted into another shell. `port` 0 is any that is free.
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
        edge = running.enter_context(Edge(origin, key=key, port=port))
        say(f"url      {edge.api_host}")
        say(f"ca file  {edge.ca_file}")
        if key is None:
            say(f"key      {edge.key.reveal()}")
        say(f"try      {_trial(edge, given=key is not None)}")
        say("Ctrl-C stops it.")
        stopped.wait()


def _trial(edge: Edge, *, given: bool) -> str:
    """Return the command that tries the edge; it asks for a key that was given, and shows none."""
    check = (sys.executable, "-m", "waf_tests", "check")
    return command_line(
        (*check, "--host", edge.api_host, "--ca-file", str(edge.ca_file)),
        variable=KEY_VARIABLE,
        value=None if given else edge.key.reveal(),
        windows=os.name == "nt",
    )


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
