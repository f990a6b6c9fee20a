"""Client settings beside the server fields that stand for them."""

from dataclasses import dataclass
from typing import Any

from .sdk_creation_parameters import KvField, kv_field


@dataclass(frozen=True)
class Setting:
    """One client setting and the server field that stands for it."""

    attribute: str
    client_key: str
    value: Any
    server_key: str
    server_value: Any

    @property
    def field(self) -> KvField:
        """The field as it is sent."""
        return kv_field(self.server_key, self.server_value)


def plain(attribute: str, client_key: str, value: Any, server_key: str) -> Setting:
    """Return a setting whose value is sent unchanged."""
    return Setting(attribute, client_key, value, server_key, value)


def checkbox(attribute: str, client_key: str, value: Any, server_key: str) -> Setting:
    """Return a setting that is sent as a ticked checkbox with a value."""
    return Setting(attribute, client_key, value, server_key, {"checked": True, "value": value})


def client_key_of(setting: Setting) -> str:
    """Return the client key of a setting, which serves as its test id."""
    return setting.client_key
