"""The interval of the SDK's websocket pings, which the SDK itself gives no way to set."""

from __future__ import annotations

import httpx_ws
import pytest


def ping_every(seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let websockets opened from now on ping this often; None: never.

    Changes the default of httpx-ws's own function, which every way of opening a websocket, the
    SDK's and ours, ends in.
    """
    function = httpx_ws.aconnect_ws.__wrapped__  # type: ignore[attr-defined]  # it is decorated
    monkeypatch.setitem(function.__kwdefaults__, "keepalive_ping_interval_seconds", seconds)
