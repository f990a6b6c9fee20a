"""Have Hatch, started in a package's folder, do what it does in the checkout's root folder.

Hatch takes the nearest `pyproject.toml` for the project, and the environments are the root's. Each
package's `hatch.toml` names this file as its environment collector, the one hook that Hatch calls
before it looks an environment up.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from hatch.env.collectors.plugin.interface import EnvironmentCollectorInterface

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT_COMMANDS = {"check", "env", "fmt", "run", "shell", "test"}  # others act on one package


class RootEnvironments(EnvironmentCollectorInterface):
    """Start Hatch again in the root folder when its environments are asked for."""

    def get_initial_config(self) -> dict[str, Any]:
        """Return no environments; in a package's folder, replace this process before."""
        context = click.get_current_context(silent=True)
        root = None if context is None else context.find_root()
        # The application's project is the one that Hatch was started in, not always this one.
        if (
            root is not None
            and root.obj.project.location == self.root
            and root.invoked_subcommand in ENVIRONMENT_COMMANDS
        ):
            start_in_root()
        return {}


def start_in_root() -> None:
    """Become the same Hatch command, in the root folder."""
    os.chdir(ROOT)
    command = [sys.executable, "-m", "hatch", *sys.argv[1:]]
    if os.name == "nt":
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted
