"""The commands of `python -m waf_tests`, run in the test's own process."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import CliRunner, Result

from waf_tests.__main__ import main

Run = Callable[..., Result]


def run_command(*arguments: object, **variables: str | None) -> Result:
    """Run a command with these arguments and environment variables."""
    return CliRunner().invoke(main, [str(each) for each in arguments], env=variables)


def one_line(result: Result) -> str:
    """Return the one line on stderr with which a command has failed."""
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line
