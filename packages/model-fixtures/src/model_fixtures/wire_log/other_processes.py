"""What clients in another process send and receive, in a file with one JSON line for each frame."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .recorder import Direction, Event


class FileEvent(NamedTuple):
    """A line of such a file; `connection` names a websocket uniquely."""

    time: float
    process: int
    connection: str
    url: str
    headers: tuple[str, ...]
    direction: Direction
    text: str


def record_to_file(path: str | os.PathLike[str]) -> None:
    """Append all that clients of this process send and receive to a file, from now on.

    Keys are masked. `read_events` reads the lines.
    """
    from .tap import start_recording

    start_recording(_FileRecorder(Path(path)))


def read_events(path: Path) -> Iterator[FileEvent]:
    """Yield the complete lines of a file; none if there is no such file."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]  # after the last line break nothing is complete
    except OSError:
        return
    for line in lines:
        yield parse_event(line)


def parse_event(line: str | bytes) -> FileEvent:
    """Return what a line tells."""
    event: dict[str, Any] = json.loads(line)
    return FileEvent(**{**event, "headers": tuple(event["headers"])})


class _FileRecorder:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def note(self, event: Event) -> None:
        """Append a line for what has just happened."""
        from .masking import Masker

        connection = event.connection
        line = FileEvent(
            event.time,
            os.getpid(),
            f"{os.getpid()}-{connection.number}",
            connection.url,
            connection.headers,
            event.direction,
            Masker(connection.secrets).mask(event.text),
        )
        # One write for each line: several processes append to the file.
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line._asdict()) + "\n")
