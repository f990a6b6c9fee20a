"""Commands for the embedded server: serve, start, stop."""

from __future__ import annotations

import os
import shlex
from typing import Any

import click

from model_fixtures.hosts import background_server
from model_fixtures.hosts.background_server import BackgroundServer
from model_fixtures.hosts.spawn_server import SERVER_TOKEN_VARIABLE

from .exit_codes import OTHER_OPTIONS
from .json_output import json_option, print_json
from .server_options import command_line, serve_options, server_options

UNAUTHORIZED = 401


@click.command(short_help="Run the embedded server until Ctrl-C.")
@server_options
@click.option("--lifeline", is_flag=True, help="Stop as soon as stdin is closed.")
def serve(**given: Any) -> int:
    """Run the embedded server until Ctrl-C.

    It prints one line with its addresses when it is ready.
    """
    options = serve_options(**given)
    from model_fixtures.server.serve import serve as run

    return run(options)


@click.command(short_help="Start the embedded server in the background.")
@server_options
@json_option
def start(as_json: bool, **given: Any) -> int:
    """Start the embedded server in the background.

    It takes the options of `serve`. If a server runs in the background already, it stays as it is;
    the exit code is 3 if that one has other options.
    """
    options = serve_options(**given)
    wanted, token = command_line(options), options.api_token
    environ = {**os.environ, SERVER_TOKEN_VARIABLE: token or ""}
    server, started = background_server.start(wanted, environ=environ)
    others = [] if started else list(_differences(server, wanted, token))
    if as_json:
        facts = {"addresses": server.addresses, "pid": server.pid, "log": server.log}
        print_json({"started": started, **facts, "options": server.arguments, "differs": others})
    else:
        what = "started" if started else "already running"
        click.echo(f"{what}: {' '.join(server.addresses)} (pid {server.pid}, log: {server.log})")
    if not others:
        return 0
    click.echo(f"error: {'; '.join(others)}: run `model-fixtures stop` first", err=True)
    return OTHER_OPTIONS


@click.command(short_help="Stop the server in the background.")
def stop() -> int:
    """Stop the embedded server that was started in the background."""
    server = background_server.stop()
    click.echo("no server runs in the background" if server is None else f"stopped {server.pid}")
    return 0


def _differences(server: BackgroundServer, wanted: tuple[str, ...], token: str | None) -> list[str]:
    """Return how a running server differs from the one that was asked for, a phrase each."""
    found: list[str] = []
    if server.arguments is not None and sorted(server.arguments) != sorted(wanted):
        has, wants = (shlex.join(each) or "no options" for each in (server.arguments, wanted))
        found.append(f"it was started with {has}, not with {wants}")
    if server.has_token is None:
        return found
    if server.has_token is not (token is not None):
        found.append(f"it asks for {'an' if server.has_token else 'no'} API token")
    elif token is not None and _refuses(server.addresses[0], token):
        found.append("it asks for another API token")
    return found


def _refuses(address: str, token: str) -> bool:
    import httpx

    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = httpx.get(f"http://{address}/v1/models", headers=headers, trust_env=False)
    except httpx.HTTPError:  # it has ended just now
        return False
    return answer.status_code == UNAUTHORIZED
