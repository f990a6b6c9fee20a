"""The command line: `python -m model_fixtures load|unload|status|download|delete|serve|start|stop`.

Exit codes: 0 for success, 1 for failure, 2 for a wrong command line, 130 for Ctrl-C. Errors are one
line on stderr.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from model_fixtures.errors import ModelFixturesError

from .model_commands import delete, download, load, status, unload
from .server_commands import serve, start, stop

# Exit codes.
FAILED, MISUSED, INTERRUPTED = 1, 2, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def program() -> None:
    """Manage test models for the LM Studio Python SDK on an LM Studio host or the embedded server.

    The host is the one that --host or LMSTUDIO_API_HOST names. If neither is given, it is the first
    host that answers on the default ports, or the embedded server if none does.
    """


for command in (load, unload, status, download, delete, serve, start, stop):
    program.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Args:
        arguments: by default those of this process.
    """
    try:
        result = program.main(arguments, prog_name="model_fixtures", standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return MISUSED if isinstance(error, click.UsageError) else FAILED
    except ModelFixturesError as error:
        click.echo(f"error: {error}", err=True)
        return FAILED
    return result if isinstance(result, int) else 0
