"""`python -m waf_tests check|rule|serve`."""

from __future__ import annotations

import logging
import math
import sys
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
    SettingsError,
    find_settings,
    host_with_scheme,
)


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


@click.group(cls=_OneLineGroup)
def main() -> None:
    """LM Studio behind a web application firewall. Variables are read from .env, too."""


@main.command(
    "check",
    epilog=f"The key is read from {KEY_VARIABLE}, LM Studio's own token from {TOKEN_VARIABLE}, "
    f"a service token for Cloudflare Access from {ACCESS_ID_VARIABLE} and "
    f"{ACCESS_SECRET_VARIABLE}. A host with TLS is reached through the proxy of HTTPS_PROXY or "
    "ALL_PROXY, subject to NO_PROXY.",
)
@click.option("--host", help=f"Host to connect to; default: {HOST_VARIABLE}.")
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
    help="Send the key also to a host without TLS that is not this machine.",
)
def check_command(
    host: str | None, ca_file: Path | None, timeout: float, allow_unencrypted: bool
) -> None:
    """Test the connection and say in one line what is wrong with it."""
    settings = find_settings()
    api_host = host or settings.host
    if not api_host:
        _fail("check", f"no host: set {HOST_VARIABLE} (see .env.example) or give --host")
    try:
        report = check(
            host_with_scheme(api_host),
            key=settings.key,
            token=settings.token,
            ca_file=ca_file,
            access=settings.access,
            allow_unencrypted=allow_unencrypted,
            seconds=timeout,
        )
    except CheckError as error:
        _fail("check", f"{error}{'' if settings.key else f' ({KEY_VARIABLE} is not set.)'}")
    for line in report.lines():
        click.echo(line)


@main.command("rule")
@click.option("--host", help=f"The host name that Cloudflare protects; default: {HOST_VARIABLE}.")
@click.option("--show-key", is_flag=True, help=f"Write the value of {KEY_VARIABLE} into the rule.")
def rule_command(host: str | None, show_key: bool) -> None:
    """Print the expression of the Cloudflare custom rule to deploy, with the action Block."""
    key = _configured_key("rule") if show_key else None
    if show_key and key is None:
        _fail("rule", f"--show-key: set {KEY_VARIABLE} (see .env.example)")
    try:
        name = _configured_host_name() if host is None else host
        click.echo(cloudflare_expression(name, key))
    except RuleError as error:
        _fail("rule", str(error))
    if key is None:
        click.echo("The key is left out; --show-key writes it into the expression.", err=True)


def _configured_key(command: str) -> Secret | None:
    """Return the key that is configured, if it is one that a client can send."""
    key = find_settings().key
    fault = key_fault(key) if key else None
    if fault is not None:
        _fail(command, f"{KEY_VARIABLE} {fault}")
    return key


def _configured_host_name() -> str:
    """Return the name of the host that is configured, which may be a URL."""
    host = find_settings().host
    if host is None:
        _fail("rule", f"no host: set {HOST_VARIABLE} (see .env.example) or give --host")
    try:
        return parse_endpoint(host_with_scheme(host)).host
    except LMStudioValueError as error:
        _fail("rule", f"{HOST_VARIABLE}: {one_line(str(error))}")


@main.command("serve")
@click.option("--host", help="The LM Studio host behind the edge; default: the one that is found.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on; default: any.")
@click.option(
    "--end-with",
    type=click.IntRange(min=1),
    metavar="PID",
    help="Stop when the process with this id has ended.",
)
def serve_command(host: str | None, port: int | None, end_with: int | None) -> None:
    """Run the edge until Ctrl-C and print what a client needs to get through it."""
    try:
        serve(
            host=host,
            key=_configured_key("serve"),
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
