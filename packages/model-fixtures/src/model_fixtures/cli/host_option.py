"""The option for the host, and the host that it chooses."""

from __future__ import annotations

import click
from msgspec import structs

from model_fixtures.hosts import Host, HostSelection, background_server, select_host

host_option = click.option(
    "--host",
    metavar="HOST",
    help="host, host:port or `embedded`; by default what LMSTUDIO_API_HOST says, else a host on "
    "LM Studio's ports, else the embedded server.",
)


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
