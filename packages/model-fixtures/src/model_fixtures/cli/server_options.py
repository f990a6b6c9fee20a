"""The options of the embedded server: what `serve` and `start` have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from model_fixtures.default_ports import REST_PORT
from model_fixtures.hosts.spawn_server import SERVER_TOKEN_VARIABLE
from model_fixtures.server.serve_options import ServeOptions
from model_fixtures.server.transport.parse_host_names import host_of_option
from model_fixtures.user_paths import expanded


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


_OPTIONS = (
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
        "default_ports",
        is_flag=True,
        flag_value=False,
        default=True,
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
        default=ServeOptions().threads,
        show_default=True,
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
    click.option(
        "--scenarios",
        is_flag=True,
        help="Let clients order faults: lost connections, delays, wrong packets. For tests of "
        "how a client takes them.",
    ),
    click.option(
        "--home",
        type=click.Path(file_okay=False),
        metavar="DIR",
        help="Folder laid out like LM Studio's home, with config-presets/ and models/; "
        "by default a folder in the cache.",
    ),
    click.option(
        "--authentication-timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=ServeOptions().authentication_timeout,
        show_default=True,
        metavar="SECONDS",
        help="How long a client may take to send a request or to authenticate.",
    ),
    click.option(
        "--worker-silence",
        type=click.FloatRange(min=1),
        default=ServeOptions().worker_silence,
        show_default=True,
        metavar="SECONDS",
        help="How long a model's process may stay silent while a request waits for it.",
    ),
    click.option(
        "--end-with",
        type=click.IntRange(min=1),
        metavar="PID",
        help="Stop as soon as the process with this id has ended.",
    ),
)


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that start a server."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def serve_options(lifeline: bool = False, **given: Any) -> ServeOptions:
    """Return the options that a command was given.

    Raises:
        click.UsageError: the server would listen nowhere, or a token was given that is empty.
    """
    if given["api_token"] == "":  # an unset variable of a shell, say: the server would be open
        raise click.UsageError("the API token is empty: leave --api-token out if none is wanted")
    if given["home"] is not None:
        given["home"] = str(expanded(given["home"]).absolute())
    options = ServeOptions(**{**given, "lifeline": lifeline})
    if not options.default_ports and not options.ports:
        raise click.UsageError("--no-default-ports needs at least one --port")
    return options


def command_line(options: ServeOptions) -> tuple[str, ...]:
    """Return the arguments of `serve` for these options, each one word, in one way only.

    Options that are as by default are left out, and so is the token, which is no argument: other
    users could see it.
    """
    default = ServeOptions()
    values = {
        "--threads": (options.threads, default.threads),
        "--home": (options.home, default.home),
        "--authentication-timeout": (
            options.authentication_timeout,
            default.authentication_timeout,
        ),
        "--worker-silence": (options.worker_silence, default.worker_silence),
        "--end-with": (options.end_with, default.end_with),
    }
    flags = {
        "--no-default-ports": not options.default_ports,
        "--cors": options.cors,
        "--allow-shutdown": options.allow_shutdown,
        "--answer-unknown": options.answer_unknown,
        "--scenarios": options.scenarios,
    }
    return (
        *(f"--port={port}" for port in sorted(options.ports)),
        *(f"--allow-host={host}" for host in sorted(options.allow_hosts)),
        *(f"{name}={value}" for name, (value, usual) in values.items() if value != usual),
        *(name for name, is_set in flags.items() if is_set),
    )
