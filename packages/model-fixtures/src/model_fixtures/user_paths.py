"""Paths as users write them, and the per-user folders."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path, user_state_path

from model_fixtures import DISTRIBUTION

CACHE_VARIABLE = "LMSTUDIO_TEST_CACHE"


def expanded(text: str) -> Path:
    """Return the path with the home folder in place of `~`, or of `~name` if that user exists.

    `Path.expanduser` raises an error for an unknown user; this returns a path that does not exist.
    """
    return Path(os.path.expanduser(text))  # noqa: PTH111


def cache_folder() -> Path:
    """Return the folder that LMSTUDIO_TEST_CACHE names, else the per-user one.

    It need not exist.
    """
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return expanded(named).absolute()
    return user_cache_path(DISTRIBUTION, appauthor=False)


def state_folder() -> Path:
    """Return the per-user folder for the state and log of the background server.

    It need not exist.
    """
    return user_state_path(DISTRIBUTION, appauthor=False)
