"""Downloading and loading the suite's models on any host."""

from __future__ import annotations

from .downloading import download, ensure_weights
from .errors import DOWNLOAD_COMMAND, LOAD_COMMAND, HostModelError
from .exact_loading import load_exactly
from .host_session import HostInstance, HostModel, HostSession, Inventory, open_host_session
from .loading import (
    LoadEvent,
    LoadReport,
    OnLoadEvent,
    ensure_loaded,
    load,
    unload,
)
from .model_status import HostStatus, ModelStatus, read_status, status_without_host

__all__ = [
    "DOWNLOAD_COMMAND",
    "LOAD_COMMAND",
    "HostInstance",
    "HostModel",
    "HostModelError",
    "HostSession",
    "HostStatus",
    "Inventory",
    "LoadEvent",
    "LoadReport",
    "ModelStatus",
    "OnLoadEvent",
    "download",
    "ensure_loaded",
    "ensure_weights",
    "load",
    "load_exactly",
    "open_host_session",
    "read_status",
    "status_without_host",
    "unload",
]
