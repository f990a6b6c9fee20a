"""The command line: the console script `model-fixtures`, or `python -m model_fixtures`.

`exit_codes` says what its exit codes mean. Errors are one line on stderr.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import click

from model_fixtures import DISTRIBUTION
from model_fixtures.errors import ModelFixturesError

from .completion_command import PROGRAM, completion
from .exit_codes import EPILOG, FAILED, INTERRUPTED, MISUSED
from .model_commands import delete, download, load, status, unload
from .server_commands import serve, start, stop
from .unwritable_output import complain, explained_os_errors, leave_unwritten


class _Program(click.Group):
    """All commands; errors of the system are of one line in each of them."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: object,
    ) -> click.Context:
        with explained_os_errors():  # the help and the version are written here
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        with explained_os_errors():
            return super().invoke(ctx)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.version_option(None, "--version", package_name=DISTRIBUTION, message="%(prog)s %(version)s")
def program() -> None:
    """Manage test models for LM Studio's Python SDK, and a server that answers with them.

    Commands act on the host that --host or LMSTUDIO_API_HOST names. If neither is given, that is
    the first host that answers on LM Studio's ports, or this package's own embedded server if none
    does. The test models are small stand-ins there, and real models on other hosts.
    """


for command in (load, unload, status, download, delete, serve, start, stop, completion):
    program.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Args:
        arguments: by default those of this process.
    """
    try:
        return _run(arguments)
    finally:
        leave_unwritten()


def _run(arguments: Sequence[str] | None) -> int:
    try:
        result = program.main(arguments, prog_name=PROGRAM, standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        with contextlib.suppress(OSError):  # stderr can't be written
            error.show()
        return MISUSED if isinstance(error, click.UsageError) else FAILED
    except ModelFixturesError as error:
        complain(f"error: {error}")
        return FAILED
    return result if isinstance(result, int) else 0
