"""The watch over the messages between the SDK and the server."""

import json
from pathlib import Path

from sdk_tests.wire_watch import WireWatch

CALL = {"type": "rpcCall", "endpoint": "version", "callId": 1}
RESULT = {"type": "rpcResult", "callId": 1, "result": {"version": "1", "build": 2}}


def test_another_process_is_watched(tmp_path: Path) -> None:
    """The watch reads each line of another process once, as soon as it is complete."""
    log = tmp_path / "wire.jsonl"
    watch = WireWatch()
    watch.add_log(log)
    lines = [
        json.dumps(["1-2", "system", "sent", CALL]),
        json.dumps(["1-2", "system", "received", RESULT]),
        json.dumps(["1-2", "system", "received", {**RESULT, "result": {"version": 1}}]),
    ]
    with log.open("w", encoding="utf-8") as file:
        file.write("\n".join(lines[:2]) + "\n" + lines[2])
        file.flush()
        watch.read_logs()
        assert (watch.endpoints, watch.problems) == ({"version"}, [])
        file.write("\n")
        file.flush()
        watch.read_logs()
        assert len(watch.problems) == 1
        watch.read_logs()
    assert len(watch.problems) == 1
