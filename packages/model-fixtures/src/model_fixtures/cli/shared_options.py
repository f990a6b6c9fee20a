"""Options that several commands share, and what they mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from msgspec import structs

from model_fixtures.hosts import Host, Selection, select
from model_fixtures.hosts import background_server as background_server
from model_fixtures.hosts.server_command import SERVER_TOKEN_VARIABLE
from model_fixtures.server.transport.host_names import host_of_option

host_option = click.option(
    "--host",
    metavar="HOST",
    help="host, host:port, or embedded; by default the one that is found (see above).",
)


def _host_names(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    hosts = [host_of_option(value) for value in values]
    for value, host in zip(values, hosts, strict=True):
        if host is None:
            msg = f"{value!r} is no host: write a name or an address, without a port"
            raise click.BadParameter(msg, context, parameter)
    return tuple(host for host in hosts if host is not None)


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that start a server."""
    for option in reversed(
        (
            click.option(
                "--port",
                "ports",
                type=click.IntRange(0, 65535),
                multiple=True,
                metavar="N",
                help="A port to listen on, 0 for any free one; may be given several times.",
            ),
            click.option(
                "--no-default-ports",
                is_flag=True,
                help="Leave out 1234 and the first free of the SDK's discovery ports.",
            ),
            click.option(
                "--api-token",
                metavar="TOKEN",
                envvar=SERVER_TOKEN_VARIABLE,
                help=f"Accept only clients with this token; better by {SERVER_TOKEN_VARIABLE}.",
            ),
            click.option(
                "--threads",
                type=click.IntRange(min=1),
                metavar="N",
                help="Threads for each model; more are slower when other programs need the CPUs.",
            ),
            click.option(
                "--allow-host",
                "allow_hosts",
                callback=_host_names,
                multiple=True,
                metavar="NAME",
                help="A name or address of the server beside localhost; may be repeated.",
            ),
            click.option(
                "--cors",
                is_flag=True,
                help="Let web pages of all sites use the server, not only those of this machine.",
            ),
        )
    ):
        command = option(command)
    return command


def choose_host(option: str | None) -> Selection:
    """Select the host; with `embedded` the background server, if it runs. Raises `HostError`."""
    selection = select(option)
    if selection.host is not None:
        return selection
    server = background_server.running()
    if server is None or not server.addresses:
        return selection
    reason = f"{selection.reason}; it runs in the background"
    host = Host(server.addresses[0], "embedded", reason, own_server=True)
    return structs.replace(selection, host=host, reason=reason)
