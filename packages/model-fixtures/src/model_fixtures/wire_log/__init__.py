"""What SDK clients send and receive, taken on the client's side, whatever host answers.

The module `tap` says where the frames are taken, and why there. Nothing is imported from httpx-ws
or the SDK before the first recording begins.
"""

from __future__ import annotations

from .masking import Masker
from .other_processes import record_to_file
from .recorder import Frame, WireLog
from .rendering import render
from .tap import follow, start_recording, stop_recording

__all__ = [
    "Frame",
    "Masker",
    "WireLog",
    "follow",
    "record_to_file",
    "render",
    "start_recording",
    "stop_recording",
]
