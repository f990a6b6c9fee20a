"""A plugin of coverage.py that notes which processes begin to use the SDK, in case they are killed.

A killed process takes with it what was measured. `started-PID` names the context of a process, and
if there are no data of it at the end, the tests of that context may execute more than is known.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from coverage import CoveragePlugin, FileTracer
from coverage.plugin_support import Plugins

from .run_folder import MARK, VARIABLE


class StartedProcesses(CoveragePlugin):
    """Sees which files coverage.py begins to trace."""

    def __init__(self, folder: Path, package: str, context: str) -> None:
        self._folder = folder
        self._package = package
        self._context = context
        self._noted = False

    def file_tracer(self, filename: str) -> FileTracer | None:
        """Note the first file of the SDK, and leave all files to coverage.py."""
        if not self._noted and self._package in Path(filename).parts:
            self._noted = True
            mark = self._folder / f"{MARK}{os.getpid()}"
            mark.write_text(self._context, encoding="utf-8")
        return None


def coverage_init(reg: Plugins, options: Mapping[str, object]) -> None:
    """Add the plugin in processes that tests start."""
    context = os.environ.get(VARIABLE)
    if context:
        folder = Path(str(options["folder"]))
        reg.add_file_tracer(StartedProcesses(folder, str(options["package"]), context))
