"""Getting the suite's models downloaded and loaded, on whichever host."""

from __future__ import annotations

from .downloading import download, ensure_weights
from .errors import DOWNLOAD_COMMAND, LOAD_COMMAND, LoaderError
from .host_session import Downloaded, Inventory, Loaded, Session, open_session
from .loading import (
    LoadEvent,
    LoadReport,
    OnLoadEvent,
    ensure_loaded,
    load,
    unload,
)
from .model_status import ModelStatus, Status, read_status, status_without_host

__all__ = [
    "DOWNLOAD_COMMAND",
    "LOAD_COMMAND",
    "Downloaded",
    "Inventory",
    "LoadEvent",
    "LoadReport",
    "Loaded",
    "LoaderError",
    "ModelStatus",
    "OnLoadEvent",
    "Session",
    "Status",
    "download",
    "ensure_loaded",
    "ensure_weights",
    "load",
    "open_session",
    "read_status",
    "status_without_host",
    "unload",
]
