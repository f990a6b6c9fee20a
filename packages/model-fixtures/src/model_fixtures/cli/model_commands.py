"""Commands for models: load, unload, status, download, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import anyio
import click

from model_fixtures.hosts import Host, HostSelection, background_server

from .host_option import choose_host, host_option
from .json_output import json_option, print_json

if TYPE_CHECKING:
    from model_fixtures.catalog import Catalog
    from model_fixtures.host_models import HostModel


@click.command(short_help="Load the required test models.")
@host_option
def load(host: str | None) -> int:
    """Load all required test models, as tests expect them.

    Instances of these models that are already loaded are unloaded first; other models stay
    untouched. If no host is found, the embedded server is started in the background.
    """
    return load_models(choose_host(host))


@click.command(short_help="Unload the test models.")
@host_option
def unload(host: str | None) -> int:
    """Unload the test models; other models stay untouched."""
    from model_fixtures import host_models
    from model_fixtures.catalog import read_catalog

    from .terminal_output import LoadProgress

    selection = choose_host(host)
    if selection.host is None:
        click.echo(f"nothing to unload: {selection.reason}")
        return 0
    _show(selection.host)
    with LoadProgress() as progress:
        unloaded = anyio.run(host_models.unload, selection.host.address, read_catalog(), progress)
    if not unloaded:
        click.echo("none of the test models was loaded")
    return 0


@click.command(short_help="Show the test models and what is loaded.")
@host_option
@json_option
def status(host: str | None, as_json: bool) -> int:
    """Show which test models are required, downloaded and loaded.

    Other loaded models are listed as extra, and other models that the embedded server has found,
    such as those in the folder that LMSTUDIO_TEST_MODELS names, below them.
    """
    from model_fixtures import host_models
    from model_fixtures.catalog import read_catalog

    from .status_output import show_others, show_status, status_facts

    selection = choose_host(host)
    catalog = read_catalog()
    found = (
        host_models.status_without_host(catalog, _others_without_host(catalog))
        if selection.host is None
        else anyio.run(host_models.read_status, selection.host.address, catalog)
    )
    if as_json:
        print_json(status_facts(selection, found))
        return 0
    if selection.host is None:
        click.echo(f"host: none; `load` would start the embedded server ({selection.reason})")
    else:
        _show(selection.host)
    show_status(found)
    if selection.embedded:
        show_others(found.others)
    return 0


@click.command(short_help="Download the test models.")
@host_option
def download(host: str | None) -> int:
    """Download the test models.

    For the embedded server, small weights are downloaded to the cache on this machine. Another host
    downloads the real models itself, which takes gigabytes.
    """
    from model_fixtures import host_models
    from model_fixtures.catalog import read_catalog

    from .terminal_output import DownloadProgress

    selection = choose_host(host)
    catalog = read_catalog()
    if selection.host is None or selection.host.own_server:
        fetch_weights(catalog)
        click.echo("the embedded server has all its weights")
        return 0
    _show(selection.host)
    with DownloadProgress() as progress:
        keys = anyio.run(host_models.download, selection.host.address, catalog, progress)
    click.echo(f"downloaded {', '.join(keys)}" if keys else "the host has all models already")
    return 0


@click.command(short_help="Delete a model that was downloaded.")
@click.argument("model")
@click.option(
    "--home",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="The home folder of the server, if `serve` was given one.",
)
def delete(model: str, home: str | None) -> int:
    """Delete a MODEL that the embedded server has downloaded.

    MODEL is a key or path under which the server lists the model. Only files in the embedded
    server's models folder are deleted; the weights of the test models stay in the cache. A model
    that the server in the background has loaded is not deleted.
    """
    from model_fixtures.catalog import own_models_folder, read_catalog
    from model_fixtures.server.home_folder import home_folder, models_folder
    from model_fixtures.server.models.downloaded_models import DownloadedModels

    library = DownloadedModels(
        read_catalog(), models_folder(home_folder(home)), own_models_folder()
    )
    found = library.find_downloaded(model)
    server = background_server.running()
    if server is not None and server.addresses:
        _refuse_loaded(server.addresses[0], found.path)
    library.delete(found)
    click.echo(f"deleted {library.folder / found.path}")
    return 0


def _others_without_host(catalog: Catalog) -> list[HostModel]:
    """Return the models that the embedded server would list beside the test models."""
    from model_fixtures.catalog import own_models_folder
    from model_fixtures.host_models import HostModel
    from model_fixtures.server.home_folder import home_folder, models_folder
    from model_fixtures.server.models.downloaded_models import DownloadedModels

    folder = models_folder(home_folder())
    listed = DownloadedModels(catalog, folder, own_models_folder()).catalog.models
    return [HostModel(model.key, model.path) for model in listed[len(catalog.models) :]]


def _refuse_loaded(address: str, path: str) -> None:
    """Raise `click.ClickException` if the server has the model with this path loaded."""
    from model_fixtures import host_models

    async def loaded() -> tuple[host_models.HostInstance, ...]:
        async with host_models.open_host_session(address) as session:
            return (await session.inventory()).loaded

    for instance in anyio.run(loaded):
        if instance.path == path:
            raise click.ClickException(
                f"{path} is loaded on {address} as {instance.identifier}: unload it first"
            )


def load_models(selection: HostSelection, server_arguments: Sequence[str] = ()) -> int:
    """Load the models on the selected host and return the exit code.

    If no host is selected, the embedded server is started in the background. It is stopped again
    on Ctrl-C and when loading raises an error.

    Args:
        selection: the host.
        server_arguments: options for a server that is started.
    """
    from model_fixtures.catalog import read_catalog

    catalog = read_catalog()
    if selection.embedded:
        fetch_weights(catalog)
    if selection.host is not None:
        return _load(selection.host, catalog)
    server, started = background_server.start(server_arguments)
    address = server.addresses[0]
    click.echo(f"started the embedded server in the background (log: {server.log})")
    try:
        return _load(Host(address, "embedded", selection.reason, own_server=True), catalog)
    except BaseException:
        if started:
            background_server.stop()
        raise


def fetch_weights(catalog: Catalog) -> None:
    """Fetch the weights that are not cached yet, and show the progress.

    Raises:
        WeightsError: weights could not be fetched.
    """
    from model_fixtures import host_models

    from .terminal_output import DownloadProgress

    with DownloadProgress() as progress:
        host_models.ensure_weights(catalog, progress)


def _load(host: Host, catalog: Catalog) -> int:
    from model_fixtures import host_models

    from .status_output import show_extra
    from .terminal_output import LoadProgress

    _show(host)
    with LoadProgress() as progress:
        report = anyio.run(host_models.load, host.address, catalog, progress)
    show_extra(report.extra)
    for problem in report.problems:
        click.echo(f"error: {problem}", err=True)
    return 1 if report.problems else 0


def _show(host: Host) -> None:
    click.echo(f"host: {host.address} ({host.reason})")
