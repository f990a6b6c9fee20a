"""Hiding keys and tokens in what reports show."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit, urlunsplit

MASK = "***"

# Variables with keys of users; their values are hidden wherever they stand.
SECRET_VARIABLES = (
    "LMSTUDIO_API_TOKEN",
    "LMSTUDIO_SERVER_API_TOKEN",
    "LMSTUDIO_X_API_KEY",
    "LMSTUDIO_CF_ACCESS_CLIENT_ID",
    "LMSTUDIO_CF_ACCESS_CLIENT_SECRET",
)
# Shorter values would hide parts of ordinary words.
_SHORTEST = 6

_HEADERS = "client-?passkey|api[-_]?token|api[-_]?key|x-api-key|authorization|cookie|set-cookie"
_NAMES = f"{_HEADERS}|password|secret|(?:client|access|refresh|private)[-_]?(?:secret|token|key)"
# A field of JSON. In JSON inside of a JSON string, its quotes have backslashes.
_FIELD = re.compile(
    rf'(?P<name>(?P<escape>\\*)"(?:{_NAMES})(?P=escape)"\s*:\s*(?P=escape)")'
    r'(?:(?!(?<!\\)(?P=escape)").)*',
    re.IGNORECASE | re.DOTALL,
)
_HEADER = re.compile(
    rf"(?P<name>(?<![\w-])(?:{_HEADERS})[ \t]*[:=][ \t]*)[^\s\"',;\\]+", re.IGNORECASE
)
_TOKEN = re.compile(r"(?P<name>sk-lm-)[A-Za-z0-9]+(?::[A-Za-z0-9]+)?")
_BEARER = re.compile(r"(?P<name>\bBearer\s+)[^\s\"',;\\]+", re.IGNORECASE)


class Masker:
    """Puts `***` in place of keys and tokens: known values, and what has the form of one.

    Args:
        secrets: values to hide wherever they stand; very short ones are ignored.
    """

    __slots__ = ("_known",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = set()
        for value in (*secrets, *(os.environ.get(name, "") for name in SECRET_VARIABLES)):
            # The second half of an API token is its passkey, which is sent by itself.
            for part in (value, value.partition(":")[2] if value.startswith("sk-lm-") else ""):
                if len(part.strip()) >= _SHORTEST:
                    known |= {part.strip(), quote(part.strip(), safe="")}
        self._known = sorted(known, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"Masker({len(self._known)} values)"

    def mask(self, text: str) -> str:
        """Return the text with each secret hidden."""
        for value in self._known:
            text = text.replace(value, MASK)
        for pattern in (_FIELD, _BEARER, _HEADER, _TOKEN):
            text = pattern.sub(rf"\g<name>{MASK}", text)
        return text


def without_credentials(url: str) -> str:
    """Return a URL without user name and password; what follows the path is hidden, too."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, MASK if parts.query else "", ""))
