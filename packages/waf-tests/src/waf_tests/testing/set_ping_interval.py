"""The interval of the SDK's websocket pings, for which the SDK has no setting."""

from __future__ import annotations

import httpx_ws
import pytest


def ping_every(seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make websockets that are opened from now on ping this often; None turns their pings off.

    This changes the default of the httpx-ws function that opens every websocket, the SDK's and
    ours.
    """
    function = httpx_ws.aconnect_ws.__wrapped__  # type: ignore[attr-defined]  # it is decorated
    monkeypatch.setitem(function.__kwdefaults__, "keepalive_ping_interval_seconds", seconds)
