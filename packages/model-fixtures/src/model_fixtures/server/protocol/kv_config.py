"""Key-value configuration: layers of fields, the later ones winning key by key.

A config is `{"fields": [{"key", "value"}]}`, a stack is `{"layers": [{"layerName", "config"}]}`.
Unknown keys and values of the wrong type are skipped, never refused, as by the app.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from msgspec import UNSET, Struct

COMPLETE_MODE_LAYER = "completeModeFormatting"


class Field(Struct):
    """One setting; a missing value counts as not set."""

    key: str
    value: Any = UNSET


class Config(Struct):
    """Fields without layers."""

    fields: list[Field] = []


class Layer(Struct, rename="camel"):
    """A named config inside a stack."""

    layer_name: str
    config: Config


class Stack(Struct):
    """Layers from base to top."""

    layers: list[Layer] = []


class Settings:
    """Merged fields with typed, lenient access."""

    def __init__(self, fields: Mapping[str, Any] | None = None) -> None:
        self._fields = dict(fields or {})

    @classmethod
    def from_stack(cls, stack: Stack) -> Settings:
        """Return the fields of all layers; values are replaced whole, never merged deep."""
        merged: dict[str, Any] = {}
        for layer in stack.layers:
            for field in layer.config.fields:
                if field.value is not UNSET:
                    merged[field.key] = field.value
        return cls(merged)

    @classmethod
    def from_config(cls, config: Config) -> Settings:
        """Return the fields of a config."""
        return cls.from_stack(Stack([Layer("config", config)]))

    def overlaid(self, other: Settings) -> Settings:
        """Return these settings with the other's on top."""
        return Settings({**self._fields, **other._fields})

    def keys(self) -> Iterable[str]:
        """Return the keys that are set."""
        return self._fields.keys()

    def value(self, key: str) -> Any:
        """Return a value of any type, UNSET if there is none."""
        return self._fields.get(key, UNSET)

    def number(self, key: str, default: float) -> float:
        """Return a number; integral floats stand for integers on this wire."""
        value = self._fields.get(key)
        return value if _is_number(value) else default

    def integer(self, key: str, default: int) -> int:
        """Return a whole number."""
        value = self._fields.get(key)
        return int(value) if _is_number(value) and value == int(value) else default

    def boolean(self, key: str, default: bool) -> bool:
        """Return the truth value of a key."""
        value = self._fields.get(key)
        return value if isinstance(value, bool) else default

    def text(self, key: str, default: str) -> str:
        """Return a string."""
        value = self._fields.get(key)
        return value if isinstance(value, str) else default

    def texts(self, key: str) -> list[str]:
        """Return a list of non-empty strings."""
        value = self._fields.get(key)
        if not isinstance(value, list):
            return []
        return [item for item in value if isinstance(item, str) and item]

    def mapping(self, key: str) -> dict[str, Any]:
        """Return an object, empty if there is none."""
        value = self._fields.get(key)
        return value if isinstance(value, dict) else {}

    def sequence(self, key: str) -> list[Any]:
        """Return a list, empty if there is none."""
        value = self._fields.get(key)
        return value if isinstance(value, list) else []

    def checked(self, key: str, default: float | None) -> float | None:
        """Return the number of a checkbox, None when it is unchecked.

        The SDK sends `checked: true` with a value of false for an option that is switched off.
        """
        value = self._fields.get(key)
        if not isinstance(value, dict) or not isinstance(value.get("checked"), bool):
            return default
        if not value["checked"]:
            return None
        inner = value.get("value")
        return inner if _is_number(inner) else None

    def checked_text(self, key: str) -> str | None:
        """Return the string of a checkbox, None when it is unchecked."""
        value = self.mapping(key)
        inner = value.get("value")
        return inner if value.get("checked") is True and isinstance(inner, str) else None


def to_wire(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a flat config as it is sent back."""
    return {"fields": [{"key": key, "value": value} for key, value in fields.items()]}


def checkbox(value: float | str | None, filler: float | str = 0) -> dict[str, Any]:
    """Return the wire form of an option that can be off (None); a filler keeps the value's type."""
    return {"checked": value is not None, "value": filler if value is None else value}


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
