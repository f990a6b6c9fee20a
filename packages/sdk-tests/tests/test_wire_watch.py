"""The watch over the messages between the SDK and the server."""

import json
from pathlib import Path

from sdk_tests.wire_watch import WireWatch

CALL = {"type": "rpcCall", "endpoint": "version", "callId": 1}
RESULT = {"type": "rpcResult", "callId": 1, "result": {"version": "1", "build": 2}}


def line(direction: str, frame: object) -> str:
    """Return a line that tells of a frame, as another process writes it."""
    text = frame if isinstance(frame, str) else json.dumps(frame)
    event = {"time": 0.0, "process": 1, "connection": "1-2", "headers": [], "text": text}
    return json.dumps({**event, "url": "ws://host/system", "direction": direction})


def test_another_process_is_watched(tmp_path: Path) -> None:
    """The watch reads each line of another process once, as soon as it is complete."""
    log = tmp_path / "wire.jsonl"
    watch = WireWatch()
    watch.add_log(log)
    lines = [
        line("opened", ""),
        line("sent", {"authVersion": 1}),
        line("received", {"success": True}),
        line("sent", CALL),
        line("received", RESULT),
        line("received", {**RESULT, "result": {"version": 1}}),
    ]
    with log.open("w", encoding="utf-8") as file:
        file.write("\n".join(lines[:-1]) + "\n" + lines[-1])
        file.flush()
        watch.read_logs()
        assert (watch.endpoints, watch.problems) == ({"version"}, [])
        file.write("\n")
        file.flush()
        watch.read_logs()
        assert len(watch.problems) == 1
        watch.read_logs()
    assert len(watch.problems) == 1
