"""The frames of a test, as tests ask for them."""

from __future__ import annotations

import time
from typing import cast

import pytest
from model_fixtures.for_apps.errors import FaultError
from model_fixtures.for_apps.wire import Wire
from model_fixtures.wire_log import WireLog
from model_fixtures.wire_log.recorder import Direction, Event, WireConnection

FRAMES = [
    ("sent", '{"authVersion": 1, "clientIdentifier": "me"}'),
    ("received", '{"success": true}'),
    ("sent", '{"type": "channelCreate", "endpoint": "predict", "channelId": 1}'),
    ("received", '{"type": "channelSend", "channelId": 1, "message": {"type": "fragment"}}'),
    ("received", '{"type": "channelSend", "channelId": 1, "message": {"type": "success"}}'),
    ("received", '{"type": "channelClose", "channelId": 1}'),
    ("sent", '{"type": "rpcCall", "endpoint": "listLoaded", "callId": 1}'),
    ("received", "no JSON"),
    ("received", '{"type": "rpcResult", "callId": 1, "result": []}'),
]


@pytest.fixture
def wire() -> Wire:
    """Provide the frames of a prediction and a call."""
    log = WireLog()
    log.begin()
    connection = WireConnection("ws://127.0.0.1:1/llm")
    for direction, text in FRAMES:
        log.note(Event(time.time(), connection, cast("Direction", direction), text))
    return Wire(log)


def test_frames_by_endpoint_and_packet(wire: Wire) -> None:
    """Frames are found by their direction, endpoint and packet, or by how a call ends."""
    assert len(wire.frames) == len(FRAMES)
    assert [each.type for each in wire.sent()] == ["authentication", "channelCreate", "rpcCall"]
    assert [each.message["endpoint"] for each in wire.sent("llm.predict")] == ["predict"]
    assert wire.sent("embedding.listLoaded") == []
    assert [each.packet for each in wire.received("predict")] == ["fragment", "success", ""]
    assert len(wire.received("predict", "fragment")) == 1
    assert len(wire.received("predict", "channelClose")) == 1
    (result,) = wire.received("listLoaded", "rpcResult")
    assert result.message["result"] == []
    assert len(wire.received("authentication")) == 1


def test_frames_without_json_have_no_type(wire: Wire) -> None:
    """A frame that is no JSON is there, without a type, packet or endpoint."""
    odd = wire.frames[7]
    assert (odd.text, odd.type, odd.packet, odd.endpoint, odd.message) == (
        *("no JSON", "", "", ""),
        None,
    )


def test_unknown_names_are_refused(wire: Wire) -> None:
    """An assertion that nothing was sent to a mistyped endpoint would always hold."""
    with pytest.raises(FaultError, match="did you mean unloadModel"):
        wire.sent("unloadModle")
    with pytest.raises(FaultError, match="did you mean fragment"):
        wire.received("predict", "fragmetn")
    with pytest.raises(FaultError, match="needs the endpoint"):
        wire.received(packet="fragment")


def test_text_has_a_line_for_each_frame(wire: Wire) -> None:
    """The text is that of reports: a line that explains it, and one for each frame."""
    lines = wire.text.splitlines()
    assert len(lines) == len(FRAMES) + 1
    assert "llm.predict <- " in lines[4]


def test_without_a_recording_there_are_no_frames() -> None:
    """Where nothing is recorded, there is nothing to see."""
    assert (Wire(None).frames, Wire(None).text) == ([], "")
