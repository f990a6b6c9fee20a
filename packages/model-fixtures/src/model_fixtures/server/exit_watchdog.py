"""Ending the server when it is told to, whatever its event loop is doing.

Signal handlers in Python run in the main thread, between two steps of the loop: one that is blocked
never gets there, and a thread that hangs keeps the process alive after the loop has ended. So a
thread of its own is told, too, and forces the exit when the server takes too long to end by itself.
Workers and children of pip end with the server: their stdin closes then.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from model_fixtures.hosts.process_watch import call_after_end_of

PATIENCE = 4.0  # seconds; orderly, the server takes three at the most
LAST_WORDS_SECONDS = 0.4
LEAVING = 60.0  # seconds for the interpreter's own end, in which modules are taken down


class Watchdog:
    """Ends the process when it is still there some time after it was told to end.

    Args:
        clean_up: what must be gone then, such as temporary files; it may hang.
        patience: seconds.
    """

    def __init__(self, clean_up: Callable[[], None], patience: float = PATIENCE) -> None:
        self._clean_up = clean_up
        self._patience = patience
        self._told = threading.Event()
        self._nowhere = Path(os.devnull).open("wb")  # noqa: SIM115 (open as long as the process)
        # It outlives the loop: threads that hang keep the process from ending.
        threading.Thread(target=self._watch, daemon=True, name="watchdog").start()

    def tell(self) -> None:
        """Note that the server was told to end. Any thread may call this, and more than once."""
        if self._told.is_set():
            return
        self._told.set()
        # For a call into C that lets no thread run, such as a regular expression.
        last = self._patience + 2 * LAST_WORDS_SECONDS
        faulthandler.dump_traceback_later(last, exit=True, file=self._nowhere)

    def leave(self) -> None:
        """Note that the loop has ended: only the interpreter's own end is left.

        On a busy machine that takes seconds, in which no thread runs, and it is no failure.
        """
        if self._told.is_set():
            faulthandler.dump_traceback_later(LEAVING, exit=True, file=self._nowhere)

    def _watch(self) -> None:
        self._told.wait()
        time.sleep(self._patience)
        last = threading.Thread(target=self._last_words, daemon=True)
        last.start()
        last.join(LAST_WORDS_SECONDS)
        os._exit(0)

    def _last_words(self) -> None:
        self._clean_up()
        # No logger: whoever blocks may hold its lock. Nobody may read this, and it waits then.
        os.write(2, b"The server did not end by itself in time: it is ended by force. It was at:\n")
        faulthandler.dump_traceback(file=2)


@contextlib.contextmanager
def stopped_by(
    stop: Callable[[], None], watchdog: Watchdog, *, lifeline: bool, end_with: int | None
) -> Iterator[Callable[[], None]]:
    """Call `stop` at SIGINT and SIGTERM, and at the end of what the server is to end with.

    The block gets a function with the same effect.

    Args:
        stop: may be called from any thread, and again.
        watchdog: is told as well.
        lifeline: whether the server ends with its stdin.
        end_with: id of the process that it ends with, None = with none.
    """

    def end() -> None:
        watchdog.tell()
        stop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        end()

    names = [signal.SIGINT, signal.SIGTERM]
    before = {name: signal.signal(name, on_signal) for name in names}
    if lifeline:

        def wait() -> None:
            # Not sys.stdin: its lock would be held when the interpreter shuts down.
            while os.read(0, 4096):
                pass
            end()

        threading.Thread(target=wait, daemon=True, name="lifeline").start()
    if end_with is not None:
        call_after_end_of(end_with, end)
    with _told_by_signals(watchdog, {int(name) for name in names}):
        try:
            yield end
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)


@contextlib.contextmanager
def _told_by_signals(watchdog: Watchdog, numbers: set[int]) -> Iterator[None]:
    """Tell the watchdog of signals even while the main thread runs no Python code."""
    if os.name == "nt":
        # There asyncio's own loop needs the one descriptor that Python writes signals to.
        yield
        return
    ours, pythons = socket.socketpair()
    ours.setblocking(True)
    pythons.setblocking(False)
    before = signal.set_wakeup_fd(pythons.fileno(), warn_on_full_buffer=False)

    def listen() -> None:
        while received := ours.recv(64):
            if numbers.intersection(received):
                watchdog.tell()

    threading.Thread(target=listen, daemon=True, name="signals").start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        pythons.close()
