"""`python -m waf_tests check|rule|serve`."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click
from lmstudio import LMStudioValueError
from model_fixtures.hosts import HostError

from .client.host_endpoint import parse_endpoint
from .commands.check import DEADLINE_SECONDS, CheckError, check
from .commands.serve import serve
from .commands.terminal_line import one_line, unexpected
from .edge import EdgeError
from .key_validation import key_fault
from .rule.cloudflare_expression import RuleError, cloudflare_expression
from .secret import Secret
from .settings import (
    ACCESS_ID_VARIABLE,
    ACCESS_SECRET_VARIABLE,
    HOST_VARIABLE,
    KEY_VARIABLE,
    TOKEN_VARIABLE,
    Settings,
    SettingsError,
    find_settings,
    host_with_scheme,
)

# Exit status of a check whose host lets in whoever comes, with a key or without.
UNPROTECTED = 3


class _OneLineGroup(click.Group):
    """The boundary of all commands: what goes wrong in one of them is one line, no traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise  # click's own words
        except SettingsError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - this is the boundary
            reason = unexpected(error)
        click.echo(f"{ctx.invoked_subcommand}: {one_line(reason)}", err=True)
        sys.exit(1)


def _finite(context: click.Context, option: click.Parameter, value: float) -> float:
    """Refuse `nan`, which is in every range."""
    if math.isnan(value):
        raise click.BadParameter("a number of seconds is needed")
    return value


def _not_empty(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Refuse an empty text, which a variable that is not set has become in some script."""
    if value == "":
        raise click.BadParameter("it is empty; give a host, or leave the option out")
    return value


@click.group(cls=_OneLineGroup)
def main() -> None:
    """LM Studio behind a web application firewall. Variables are read from .env, too."""


@main.command(
    "check",
    epilog=f"The key is read from {KEY_VARIABLE}, LM Studio's own token from {TOKEN_VARIABLE}, "
    f"a service token for Cloudflare Access from {ACCESS_ID_VARIABLE} and "
    f"{ACCESS_SECRET_VARIABLE}. A host with TLS is reached through the proxy of HTTPS_PROXY or "
    "ALL_PROXY, subject to NO_PROXY. Exit status: 0 the connection works, 1 it does not, 2 wrong "
    f"usage, {UNPROTECTED} it works, but just as well without the key.",
)
@click.option("--host", callback=_not_empty, help=f"Host to connect to; default: {HOST_VARIABLE}.")
@click.option("--ca-file", type=click.Path(path_type=Path), help="A private CA in PEM format.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=3600),
    callback=_finite,
    default=DEADLINE_SECONDS,
    show_default=True,
    help="Seconds after which the whole check has failed.",
)
@click.option(
    "--allow-unencrypted",
    is_flag=True,
    help="Send the key and the API token also to a host without TLS that is not this machine.",
)
def check_command(
    host: str | None, ca_file: Path | None, timeout: float, allow_unencrypted: bool
) -> None:
    """Test the connection and say in one line what is wrong with it."""
    settings = _settings("check", [KEY_VARIABLE] if host else [HOST_VARIABLE, KEY_VARIABLE])
    api_host = host or settings.host
    if not api_host:
        _fail("check", f"no host: set {HOST_VARIABLE} (see .env.example) or give --host")
    try:
        report = check(
            host_with_scheme(api_host),
            host_name="--host" if host else HOST_VARIABLE,
            key=settings.key,
            token=settings.token,
            ca_file=ca_file,
            access=settings.access,
            allow_unencrypted=allow_unencrypted,
            seconds=timeout,
        )
    except CheckError as error:
        keyless = error.answered and settings.key is None
        _fail("check", f"{error}{f' ({KEY_VARIABLE} is not set.)' if keyless else ''}")
    for line in report.lines():
        click.echo(line)
    if not report.protected:
        sys.exit(UNPROTECTED)


@main.command("rule")
@click.option(
    "--host",
    callback=_not_empty,
    help=f"The host that Cloudflare protects, a name or a URL; default: {HOST_VARIABLE}.",
)
@click.option("--show-key", is_flag=True, help=f"Write the value of {KEY_VARIABLE} into the rule.")
def rule_command(host: str | None, show_key: bool) -> None:
    """Print the expression of the Cloudflare custom rule to deploy, with the action Block."""
    needed = [*([] if host else [HOST_VARIABLE]), *([KEY_VARIABLE] if show_key else [])]
    settings = _settings("rule", needed) if needed else None
    key = _sendable_key("rule", settings) if settings and show_key else None
    if show_key and key is None:
        _fail("rule", f"--show-key: set {KEY_VARIABLE} (see .env.example)")
    name = host or (settings.host if settings else None)
    if not name:
        _fail("rule", f"no host: set {HOST_VARIABLE} (see .env.example) or give --host")
    try:
        source = "--host" if host else HOST_VARIABLE
        click.echo(cloudflare_expression(parse_endpoint(host_with_scheme(name), source).host, key))
    except LMStudioValueError as error:
        _fail("rule", one_line(str(error)))
    except RuleError as error:
        _fail("rule", str(error))
    if key is None:
        click.echo("The key is left out; --show-key writes it into the expression.", err=True)


def _settings(command: str, needed: Sequence[str]) -> Settings:
    """Return what is configured, and say on stderr which files were not read."""
    settings = find_settings(needed)
    for note in settings.notes:
        click.echo(f"{command}: {note}", err=True)
    return settings


def _sendable_key(command: str, settings: Settings) -> Secret | None:
    """Return the key that is configured, if it is one that a client can send."""
    fault = key_fault(settings.key) if settings.key else None
    if fault is not None:
        _fail(command, f"{KEY_VARIABLE} {fault}")
    return settings.key


@main.command("serve")
@click.option(
    "--host",
    callback=_not_empty,
    help="The LM Studio host behind the edge; default: the one that is found.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on; default: any.")
@click.option(
    "--end-with",
    type=click.IntRange(min=1),
    metavar="PID",
    help="Stop when the process with this id has ended.",
)
def serve_command(host: str | None, port: int | None, end_with: int | None) -> None:
    """Run the edge until Ctrl-C and print what a client needs to get through it."""
    settings = _settings("serve", [KEY_VARIABLE])
    try:
        serve(
            host=host,
            key=_sendable_key("serve", settings),
            key_file=settings.key_file,
            port=port or 0,
            say=click.echo,
            end_with=end_with,
        )
    except (EdgeError, HostError) as error:
        _fail("serve", one_line(str(error)))


def _fail(command: str, reason: str) -> NoReturn:
    """End with status 1 and one line on stderr."""
    click.echo(f"{command}: {reason}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    # The SDK and asyncio log errors that the commands put into a line of their own.
    logging.getLogger().addHandler(logging.NullHandler())
    main(prog_name="python -m waf_tests")
