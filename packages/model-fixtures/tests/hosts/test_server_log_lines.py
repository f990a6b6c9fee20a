"""The part of a log that was written since some moment."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from model_fixtures.hosts import background_server, server_log_lines
from model_fixtures.hosts.background_server import BackgroundServer, log_since
from model_fixtures.hosts.server_log_lines import lines_since, read_end
from msgspec.json import encode

LINES = """\
no time
2026-01-31 12:00:00,100 INFO first
2026-01-31 12:00:00,200 ERROR second
Traceback
2026-01-31 12:00:00,300 INFO third"""


@pytest.mark.parametrize(
    ("seconds", "first"),
    [
        (0.0, "2026-01-31 12:00:00,100"),
        (0.2004, "2026-01-31 12:00:00,200"),
        (0.202, "2026-01-31 12:00:00,300"),
    ],
)
def test_lines_since(seconds: float, first: str) -> None:
    """The first line is the first with a time since then; lines without a time follow theirs."""
    noon = time.mktime(time.strptime("2026-01-31 12:00:00", "%Y-%m-%d %H:%M:%S"))
    found = lines_since(LINES, noon + seconds)
    assert found == LINES[LINES.index(first) :]
    assert lines_since(LINES, noon + 1) == ""


def test_read_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long log only the end is read, from the beginning of a line."""
    monkeypatch.setattr(server_log_lines, "MOST_BYTES", 9)
    assert read_end(io.BytesIO(b"first\nsecond\nthird\n")) == "third\n"
    assert read_end(io.BytesIO(b"short\n")) == "short\n"


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("127.0.0.1:1234", True),
        ("localhost:1234", True),
        ("127.0.0.1:1235", False),
        ("10.0.0.1:1234", False),
    ],
)
def test_log_of_a_background_server(tmp_path: Path, address: str, found: bool) -> None:
    """The log is that of the server at this address, also when that has crashed."""
    log = tmp_path / "server.log"
    log.write_text(LINES, encoding="utf-8")
    server = BackgroundServer(2**22 + 1, "no such process", str(log), ("127.0.0.1:1234",))
    (tmp_path / "server.json").write_bytes(encode(server))
    assert background_server.running(tmp_path) is None
    assert (log_since(address, 0.0, tmp_path) is not None) == found
    log.unlink()
    assert log_since(address, 0.0, tmp_path) is None
