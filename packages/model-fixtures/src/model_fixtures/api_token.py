"""The form of LM Studio's API tokens."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"sk-lm-([A-Za-z0-9]{8}):([A-Za-z0-9]{20})")


def token_parts(token: str) -> tuple[str, str] | None:
    """Return the client identifier and the passkey in an API token; None if it is no token."""
    match = _TOKEN.fullmatch(token)
    return None if match is None else (match[1], match[2])
