"""What a failed test shows of its traffic: frames of its clients, and the server's log lines.

The frames are recorded in every test, which costs microseconds for each. Everything else happens
after a failure only, unless the user wants files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from model_fixtures.errors import ModelFixturesError
from model_fixtures.wire_log import (
    Frame,
    Masker,
    WireLog,
    render,
    start_recording,
    stop_recording,
)

from . import NOTES, PROVIDER, WIRE_FOLDER, WIRE_LOG, needs_host

if TYPE_CHECKING:
    from .host_provider import HostProvider

FRAMES_SECTION = "lmstudio wire log"
LOG_SECTION = "lmstudio server log"
MOST_LOG_LINES = 100  # in a report; a file has all

_NOT_IN_REACH = (
    "the log of {host} is not in reach: it is where that server runs (the log of a server that"
    " models:start has started on this machine would be here)"
)
_SILENT = "{host} has logged nothing since the test's start"


def record(config: pytest.Config) -> WireLog | None:
    """Begin to record the frames of this process; None if there is no SDK whose frames to take."""
    log = WireLog()
    if not start_recording(log):
        return None
    config.add_cleanup(lambda: stop_recording(log))
    return log


def add_sections(item: pytest.Item, report: pytest.TestReport, start: float) -> None:
    """Add sections with frames and log lines to the report of a failed test.

    Args:
        item: the test.
        report: what pytest is going to show; it travels from an xdist worker to the main process.
        start: when the test began, in seconds since the epoch, if nothing was recorded.
    """
    log = item.config.stash.get(WIRE_LOG, None)
    frames = [] if log is None else log.frames()
    masker = Masker(() if log is None else log.secrets())
    path = _path(item)
    how = "This is not everything: "
    how += (
        f"the whole wire log is in {path}"
        if path is not None
        else f"{WIRE_FOLDER}=FOLDER writes it whole to a file for each test"
    )
    if frames:
        text = render(frames, masker, everything=False, how=how)
        if log is not None and log.dropped:
            text += f"\n({log.dropped:,} older frames were not kept)"
        report.sections.append((FRAMES_SECTION, text))
    lines = _server_lines(item, start if log is None else log.started, frames)
    if lines:
        shown = lines[-MOST_LOG_LINES:]
        if len(shown) < len(lines):
            shown = [f"... ({len(lines) - len(shown):,} lines left out) ...", *shown, how]
        report.sections.append((LOG_SECTION, masker.mask("\n".join(shown))))
    write_file(item)


def write_file(item: pytest.Item) -> None:
    """Write all that a test has sent and received to its file, if the user wants files.

    A test without frames has none.
    """
    log, path = item.config.stash.get(WIRE_LOG, None), _path(item)
    if path is None or log is None:
        return
    frames = log.frames()
    if not frames:
        return
    masker = Masker(log.secrets())
    parts = [
        item.nodeid,
        render(frames, masker, everything=True),
        masker.mask("\n".join(_server_lines(item, log.started, frames))),
    ]
    text = "\n\n".join(parts) + "\n"
    try:
        # What JSON escapes as half of a character has no bytes in UTF-8.
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        problem = f"the wire log of a test could not be written to {path} ({error.strerror})"
        item.config.stash[NOTES].append(problem)


def _path(item: pytest.Item) -> Path | None:
    """Return the file for a test's wire log, None if the user wants none."""
    folder = item.config.getoption(WIRE_FOLDER)
    if folder is None:
        return None
    name = re.sub(r"[^\w.=-]+", "-", item.nodeid.rpartition("/")[2]).strip("-")
    # The hash tells apart tests whose names differ only in what a file name cannot have.
    digest = hashlib.sha256(item.nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return Path(folder, f"{name[:100]}-{digest}.txt")


def _server_lines(item: pytest.Item, start: float, frames: Sequence[Frame]) -> list[str]:
    """Return what the servers that may be concerned have logged since the test's start.

    These are the host, unless all frames went elsewhere, and servers that tests have started.
    """
    from model_fixtures.hosts.embedded_server import started_servers

    provider = item.config.stash.get(PROVIDER, None)
    host = None if provider is None else provider.server
    others = [server for server in started_servers() if server is not host]
    talked_to = {urlsplit(frame.url).netloc for frame in frames}
    lines: list[str] = []
    if provider is not None and (talked_to - {each.name for each in others} or needs_host(item)):
        lines += _host_lines(provider, start)
    for server in others:
        text = server.log_since(start)
        if text:
            lines += [f"{server.name}:", *text.splitlines()]
        elif server.name in talked_to:
            lines.append(_SILENT.format(host=server.name))
    return lines


def _host_lines(provider: HostProvider, start: float) -> list[str]:
    host = provider.description.partition(" (")[0]
    try:
        text = provider.log_since(start)
    except ModelFixturesError as error:
        return [str(error)]
    if text is None:
        return [_NOT_IN_REACH.format(host=host)]
    return [f"{host}:", *text.splitlines()] if text else [_SILENT.format(host=host)]
