"""Where the installed SDK is from. This module imports neither the SDK nor pytest."""

import json
from importlib.metadata import PackageNotFoundError, distribution


def is_working_tree() -> bool:
    """Return whether pip has installed the SDK from a folder or a repository (PEP 610)."""
    try:
        origin = json.loads(distribution("lmstudio").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        return False
    return "dir_info" in origin or "vcs_info" in origin
