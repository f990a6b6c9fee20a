"""Configuration stacks as clients send them: one layer with the settings of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def override_stack(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stack whose one layer, `apiOverride`, has these settings by key."""
    listed = [{"key": key, "value": value} for key, value in fields.items()]
    return {"layers": [{"layerName": "apiOverride", "config": {"fields": listed}}]}
