"""The command line: `python -m model_fixtures load|unload|status|download|delete|serve|start|stop`.

Exit codes: 0 done, 1 failed, 2 used wrongly, 130 Ctrl-C. Errors are one line on stderr.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from model_fixtures.errors import ModelFixturesError

from .model_commands import delete, download, load, status, unload
from .server_commands import serve, start, stop

FAILED, MISUSED, INTERRUPTED = 1, 2, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def program() -> None:
    """Test models for the LM Studio Python SDK, on an LM Studio host or the embedded server.

    The host is the one that --host or LMSTUDIO_API_HOST names, else one that answers on the default
    ports, else the embedded server.
    """


for command in (load, unload, status, download, delete, serve, start, stop):
    program.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Args:
        arguments: by default those of the process.
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
