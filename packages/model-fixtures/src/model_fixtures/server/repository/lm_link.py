"""LM Link as an app without an account has it: there are no other devices."""

from __future__ import annotations

import platform
from typing import Any


class LmLink:
    """What clients can set and ask about the link; it is forgotten when the server ends."""

    def __init__(self) -> None:
        self.device_name = platform.node() or "embedded server"
        self.disabled = False

    def status(self) -> dict[str, Any]:
        """Return the status: never online, with the reasons."""
        disabled = ["deviceDisabled"] if self.disabled else []
        return {
            "status": "offline",
            "issues": [*disabled, "notLoggedIn"],
            "peers": [],
            "deviceIdentifier": None,  # as the infos of models say: this machine has none
            "deviceName": self.device_name,
        }
