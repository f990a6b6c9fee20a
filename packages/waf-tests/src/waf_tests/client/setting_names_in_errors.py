"""What a user calls what he has set, for messages that say which of it is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SettingNames:
    """The names of a client's parameters, or of whatever else the values have come from.

    `headers`: for names of headers, where the value of each comes from.
    """

    api_host: str = "api_host"
    x_api_key: str = "x_api_key"
    ca_file: str = "ca_file"
    allow_unencrypted: str = "allow_unencrypted=True"
    headers: Mapping[str, str] = field(default_factory=dict)

    def header_value(self, header: str) -> str:
        """Return what to call the value of this header."""
        return self.headers.get(header, f"http_headers: the value of {header}")


PARAMETERS = SettingNames()
