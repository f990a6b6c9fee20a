"""The ports on which LM Studio and the embedded server listen by default."""

from __future__ import annotations

REST_PORT = 1234
"""Where users expect the app's API; the port of a host that is written without one."""

DISCOVERY_PORTS = (41343, 52993, 16141, 39414, 22931)
"""Where SDKs look for a local server, in this order (lmstudio._api_server_ports)."""

DEFAULT_PORTS = (REST_PORT, *DISCOVERY_PORTS)
"""Where this project looks for a local host, in this order."""
