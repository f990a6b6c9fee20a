"""Sync clients of a host that misbehaves; faulty_clients_async is the async counterpart."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import lmstudio
from lmstudio import Client

from .concurrency_sync import PATIENCE, eventually
from .scenarios import Rule, ScenarioServer

SHORT = 0.15
"""Seconds to wait for a message that will never come."""


@contextmanager
def faulty_client(server: ScenarioServer, *rules: Rule) -> Iterator[Client]:
    """Provide a client for which the rules hold.

    Every fault must happen, no call may hang, and no thread may be left running.
    """
    with nothing_left_running(), _timeout(PATIENCE):
        client = Client(server.address)
        with server.scenario(client, rules), client:
            yield client


def all_happened(server: ScenarioServer, client: Client) -> None:
    """Wait until every fault of the client's scenario has happened."""
    eventually(lambda: server.has_happened(client))


@contextmanager
def nothing_left_running(patience: float = PATIENCE) -> Iterator[None]:
    """Fail when threads that were started in the block do not end after it."""
    before = set(threading.enumerate())
    yield
    end = time.monotonic() + patience
    for thread in set(threading.enumerate()) - before:
        thread.join(max(0.0, end - time.monotonic()))
    left = [str(thread) for thread in set(threading.enumerate()) - before]
    assert left == [], "these threads were still running after the block"


@contextmanager
def short_wait(seconds: float = SHORT) -> Iterator[None]:
    """Let calls in the block raise TimeoutError after a short wait for an answer."""
    with _timeout(seconds):
        yield


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    before = lmstudio.get_sync_api_timeout()
    lmstudio.set_sync_api_timeout(seconds)
    try:
        yield
    finally:
        lmstudio.set_sync_api_timeout(before)
