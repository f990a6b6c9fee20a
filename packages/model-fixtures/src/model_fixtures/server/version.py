"""The server's own version, not that of any LM Studio release."""

from __future__ import annotations

from importlib.metadata import version

VERSION = version("lmstudio-model-fixtures")
