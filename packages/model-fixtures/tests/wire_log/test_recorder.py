"""The frames that are kept, and to which endpoints they belong."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from model_fixtures.wire_log import Masker, WireLog, recorder, render
from model_fixtures.wire_log.other_processes import FileEvent
from model_fixtures.wire_log.recorder import Direction, Event, WireConnection

CALL = {"type": "rpcCall", "endpoint": "version", "callId": 1}
RESULT = {"type": "rpcResult", "callId": 1, "result": {}}


def event(connection: WireConnection, direction: Direction, message: object) -> Event:
    """Return an event that has happened just now."""
    text = message if isinstance(message, str) else json.dumps(message)
    return Event(time.time(), connection, direction, text)


def test_endpoints() -> None:
    """Ids are those of a connection; of one without its beginning the endpoint is unknown."""
    system, llm = (WireConnection(f"ws://host/{name}") for name in ("system", "llm"))
    log = WireLog()
    for each in (
        event(system, "sent", CALL),
        event(llm, "received", RESULT),
        event(system, "received", RESULT),
        event(system, "received", "no JSON"),
        event(llm, "received", [1]),
    ):
        log.note(each)
    found = [(frame.connection, frame.namespace, frame.endpoint) for frame in log.frames()]
    assert found == [
        (1, "system", "version"),
        (2, "llm", ""),
        (1, "system", "version"),
        (1, "system", ""),
        (2, "llm", ""),
    ]
    assert [frame.message for frame in log.frames()] == [CALL, RESULT, RESULT, None, [1]]


def test_begin() -> None:
    """A new test has no frames of the one before."""
    log = WireLog()
    log.note(event(WireConnection("ws://host/llm"), "sent", CALL))
    log.begin()
    assert log.frames() == []


def test_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a bound the oldest frames are dropped, and counted."""
    monkeypatch.setattr(recorder, "MOST_HELD", 10)
    log = WireLog()
    for text in ("aaaa", "bbbb", "cccc"):
        log.note(event(WireConnection("ws://host/llm"), "sent", text))
    assert ([frame.text for frame in log.frames()], log.dropped) == (["bbbb", "cccc"], 1)


def test_other_processes(tmp_path: Path) -> None:
    """Frames of another process are put between our own; those before the test are not shown."""
    file = tmp_path / "wire.jsonl"
    log = WireLog()
    log.add_file(file)
    log.add_file(file)
    log.note(event(WireConnection("ws://host/llm"), "sent", CALL))
    frames: list[tuple[float, Direction, object]] = [
        (log.started - 1, "sent", CALL),
        (time.time(), "received", RESULT),
        (time.time(), "sent", CALL),
    ]
    lines = [
        FileEvent(moment, 42, "42-1", "ws://host/plugins", (), direction, json.dumps(message))
        for moment, direction, message in frames
    ]
    written = "\n".join(json.dumps(line._asdict()) for line in lines)
    file.write_text(written, encoding="utf-8")  # the last line is not complete
    assert [(frame.process, frame.namespace) for frame in log.frames()] == [
        (None, "llm"),
        (42, "plugins"),
    ]
    shown = render(log.frames(), Masker(), everything=True).splitlines()[2]
    assert "[2] plugins.version (process 42) <- {" in shown
    log.begin()
    assert log.frames() == []


def test_long_frames() -> None:
    """Of a long frame the report has both ends; with everything, it has all, on one line."""
    log = WireLog()
    text = "a\n" + "x" * 5000 + "z"
    log.note(event(WireConnection("ws://host/llm"), "received", text))
    short = render(log.frames(), Masker(), everything=False, how="look there")
    assert "<- a\\nxxx" in short
    assert "(3,003 characters left out)" in short
    assert short.endswith("z\nlook there")
    whole = render(log.frames(), Masker(), everything=True, how="look there")
    assert whole.endswith("<- a\\n" + "x" * 5000 + "z")


def test_secrets_stay_hidden() -> None:
    """Neither connections nor events nor logs show secrets or frames when they are printed."""
    connection = WireConnection("ws://host/llm", secrets=("open sesame",))
    log = WireLog()
    log.note(event(connection, "sent", "open sesame"))
    assert log.secrets() == {"open sesame"}
    assert "sesame" not in f"{connection!r} {log!r} {log.events()!r} {log.frames()!r}"
