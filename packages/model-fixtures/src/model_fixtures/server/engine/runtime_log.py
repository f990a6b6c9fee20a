"""Lines of llama.cpp's log, for whoever listens.

They go to a logger of their own, which is off and costs nothing until somebody turns it on.
"""

from __future__ import annotations

import logging
import re

LEVELS = {"E": logging.ERROR, "W": logging.WARNING, "D": logging.DEBUG}  # all others: INFO
PREFIX = re.compile(r"^[\d.]+ ([A-Z]) ")
KEYS = "api_keys:"  # llama.cpp shows the end of its key
OFF = logging.CRITICAL + 1

runtime_logger = logging.getLogger("model_fixtures.runtime")
runtime_logger.propagate = False
runtime_logger.setLevel(OFF)


class RuntimeLog:
    """The log of one worker.

    Args:
        identifier: that of the worker's instance.
        pid: the worker's process id.
    """

    def __init__(self, identifier: str, pid: int) -> None:
        self.identifier = identifier
        self.pid = pid
        self._level = logging.INFO

    def note(self, line: str) -> None:
        """Log a line; one without a level has that of the line before, which it continues."""
        if not runtime_logger.isEnabledFor(logging.DEBUG) or KEYS in line:
            return
        prefix = PREFIX.match(line)
        if prefix is not None:
            self._level = LEVELS.get(prefix[1], logging.INFO)
            line = line[prefix.end() :]
        if line:
            runtime_logger.log(self._level, "%s", line, extra={"worker": self})
