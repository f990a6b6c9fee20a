"""The server's own version, not that of any LM Studio release."""

from __future__ import annotations

from importlib.metadata import version

from model_fixtures import DISTRIBUTION

VERSION = version(DISTRIBUTION)
