"""Paths as people write them."""

import os
from pathlib import Path


def expanded(text: str) -> Path:
    """Give the path with the home folder in place of `~`, or of `~name` where there is such a user.

    `Path.expanduser` raises for a user whom nobody knows; here the path is one that isn't there.
    """
    return Path(os.path.expanduser(text))  # noqa: PTH111
