"""Make Hatch in a package's folder work as in the root folder of the checkout.

Hatch looks for environments beside the nearest `pyproject.toml`, but only the root has them. Each
package's `hatch.toml` names this file as its environment collector, since that is the only hook
that Hatch calls before it looks for an environment.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from hatch.env.collectors.plugin.interface import EnvironmentCollectorInterface

ROOT = Path(__file__).resolve().parent.parent
# The other commands act on one package.
ENVIRONMENT_COMMANDS = {"check", "env", "fmt", "run", "shell", "test"}


class RootEnvironments(EnvironmentCollectorInterface):
    """An environment collector that starts Hatch again in the root folder."""

    def get_initial_config(self) -> dict[str, Any]:
        """Return no environments; in a package's folder, restart Hatch in the root instead."""
        context = click.get_current_context(silent=True)
        root = None if context is None else context.find_root()
        # Hatch may have been started in another project and only read this one.
        if (
            root is not None
            and root.obj.project.location == self.root
            and root.invoked_subcommand in ENVIRONMENT_COMMANDS
        ):
            start_in_root()
        return {}


def start_in_root() -> None:
    """Replace this process by the same Hatch command in the root folder."""
    os.chdir(ROOT)
    command = [sys.executable, "-m", "hatch", *sys.argv[1:]]
    if os.name == "nt":
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted
