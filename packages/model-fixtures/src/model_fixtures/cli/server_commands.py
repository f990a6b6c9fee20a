"""Commands for the embedded server: serve, start, stop."""

from __future__ import annotations

import os

import click

from model_fixtures.hosts import background_server
from model_fixtures.hosts.spawn_server import SERVER_TOKEN_VARIABLE

from .shared_options import server_options


@click.command()
@server_options
@click.option("--lifeline", is_flag=True, help="Stop as soon as stdin is closed.")
@click.option(
    "--end-with",
    type=click.IntRange(min=1),
    metavar="PID",
    help="Stop as soon as the process with this id has ended.",
)
@click.option("--scenarios", is_flag=True, help="Let tests order faults (docs/scenarios.md).")
@click.option(
    "--home",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Folder laid out like LM Studio's home, with config-presets/ and models/; "
    "by default a folder in the cache.",
)
@click.option(
    "--authentication-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a client may take to send a request or to authenticate.",
)
@click.option(
    "--worker-silence",
    type=click.FloatRange(min=1),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a model's process may stay silent while a request waits for it.",
)
def serve(
    ports: tuple[int, ...],
    no_default_ports: bool,
    api_token: str | None,
    threads: int | None,
    allow_hosts: tuple[str, ...],
    cors: bool,
    allow_shutdown: bool,
    answer_unknown: bool,
    lifeline: bool,
    end_with: int | None,
    authentication_timeout: float,
    worker_silence: float,
    scenarios: bool,
    home: str | None,
) -> int:
    """Run the embedded server until Ctrl-C.

    It prints one line with its addresses when it is ready.
    """
    from model_fixtures.server.serve import serve as run
    from model_fixtures.server.serve_options import ServeOptions

    if no_default_ports and not ports:
        raise click.UsageError("--no-default-ports needs at least one --port")
    options = ServeOptions(
        ports=ports,
        default_ports=not no_default_ports,
        api_token=api_token or None,
        lifeline=lifeline,
        end_with=end_with,
        authentication_timeout=authentication_timeout,
        worker_silence=worker_silence,
        scenarios=scenarios,
        allow_hosts=allow_hosts,
        cors=cors,
        allow_shutdown=allow_shutdown,
        answer_unknown=answer_unknown,
        home=home,
        **({} if threads is None else {"threads": threads}),
    )
    return run(options)


@click.command()
@server_options
def start(
    ports: tuple[int, ...],
    no_default_ports: bool,
    api_token: str | None,
    threads: int | None,
    allow_hosts: tuple[str, ...],
    cors: bool,
    allow_shutdown: bool,
    answer_unknown: bool,
) -> int:
    """Start the embedded server in the background."""
    arguments = [argument for port in ports for argument in ("--port", str(port))]
    arguments += ["--no-default-ports"] if no_default_ports else []
    arguments += [] if threads is None else ["--threads", str(threads)]
    arguments += [argument for host in allow_hosts for argument in ("--allow-host", host)]
    arguments += ["--cors"] if cors else []
    arguments += ["--allow-shutdown"] if allow_shutdown else []
    arguments += ["--answer-unknown"] if answer_unknown else []
    environ = {**os.environ, SERVER_TOKEN_VARIABLE: api_token or ""}
    server, started = background_server.start(arguments, environ=environ)
    what = "started" if started else "already running"
    click.echo(f"{what}: {' '.join(server.addresses)} (pid {server.pid}, log: {server.log})")
    return 0


@click.command()
def stop() -> int:
    """Stop the embedded server that was started in the background."""
    server = background_server.stop()
    click.echo("no server runs in the background" if server is None else f"stopped {server.pid}")
    return 0
