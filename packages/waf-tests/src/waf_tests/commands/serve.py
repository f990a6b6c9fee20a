"""The edge in the foreground, for trying clients by hand."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

from model_fixtures.hosts import select_host
from model_fixtures.hosts.embedded import EmbeddedServer

from waf_tests.edge import Edge
from waf_tests.secret import Secret

Say = Callable[[str], None]


def serve(*, host: str | None, key: Secret | None, say: Say) -> None:
    """Run the edge until Ctrl-C (or SIGTERM) before `host`, or the host that is found.

    Prints its URL and CA file and, only when no key is given, the key that it has made up.
    Without a host, the embedded server is started behind it.
    """
    with ExitStack() as running, _until_stopped() as stopped:
        found = select_host(host)
        if found is None:
            origin = running.enter_context(EmbeddedServer()).address
            say(f"origin   {origin} (embedded server with stand-in models)")
        else:
            origin = found.address
            say(f"origin   {origin} ({found.reason})")
        edge = running.enter_context(Edge(origin, key=key))
        say(f"url      {edge.api_host}")
        say(f"ca file  {edge.ca_file}")
        if key is None:
            say(f"key      {edge.key.reveal()}")
        say(f"try      python -m waf_tests check --host {edge.api_host} --ca-file {edge.ca_file}")
        say("Ctrl-C stops it.")
        stopped.wait()


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
