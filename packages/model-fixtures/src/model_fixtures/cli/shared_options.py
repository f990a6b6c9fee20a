"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from msgspec import structs

from model_fixtures.default_ports import REST_PORT
from model_fixtures.hosts import Host, HostSelection, background_server, select_host
from model_fixtures.hosts.spawn_server import SERVER_TOKEN_VARIABLE
from model_fixtures.server.transport.parse_host_names import host_of_option

host_option = click.option(
    "--host",
    metavar="HOST",
    help="host, host:port or embedded; by default LMSTUDIO_API_HOST, then a host on the default "
    "ports, then the embedded server.",
)


def _host_names(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    hosts = [host_of_option(value) for value in values]
    for value, host in zip(values, hosts, strict=True):
        if host is None:
            raise click.BadParameter(
                f"{value!r} is not a host: write a name or an address, without a port",
                context,
                parameter,
            )
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
                help="A further port to listen on, or 0 for any free one; may be repeated.",
            ),
            click.option(
                "--no-default-ports",
                is_flag=True,
                help=f"Do not listen on {REST_PORT} and the SDK's first free discovery port.",
            ),
            click.option(
                "--api-token",
                metavar="TOKEN",
                envvar=SERVER_TOKEN_VARIABLE,
                help="Accept only clients with this token. Other users can see it here, so prefer "
                f"the environment variable {SERVER_TOKEN_VARIABLE}.",
            ),
            click.option(
                "--threads",
                type=click.IntRange(min=1),
                metavar="N",
                help="Threads for each model; many are slower if other programs need the CPUs.",
            ),
            click.option(
                "--allow-host",
                "allow_hosts",
                callback=_host_names,
                multiple=True,
                metavar="NAME",
                help="Another name or address, besides localhost, by which clients may call the "
                "server; may be repeated.",
            ),
            click.option(
                "--cors",
                is_flag=True,
                help="Let web pages of any site use the server, not only those of this machine.",
            ),
            click.option(
                "--allow-shutdown",
                is_flag=True,
                help="Let clients end the server (the SDK's system.requestShutdown).",
            ),
            click.option(
                "--answer-unknown",
                is_flag=True,
                help="Answer unknown calls and bad parameters with an error. LM Studio sends only "
                "a warning, so that the caller waits until its own time-out.",
            ),
        )
    ):
        command = option(command)
    return command


def choose_host(option: str | None) -> HostSelection:
    """Select the host; the embedded server in the background counts as one, if it runs.

    Raises:
        HostError: the named host is malformed or does not answer.
    """
    selection = select_host(option)
    if selection.host is not None:
        return selection
    server = background_server.running()
    if server is None or not server.addresses:
        return selection
    reason = f"{selection.reason}; it runs in the background"
    host = Host(server.addresses[0], "embedded", reason, own_server=True)
    return structs.replace(selection, host=host, reason=reason)
