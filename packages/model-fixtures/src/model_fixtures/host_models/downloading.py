"""Downloads that the user asks for: weights for the embedded server, models on a real host."""

from __future__ import annotations

from typing import Any

import msgspec

from model_fixtures.catalog import Catalog, CatalogModel, needed_weights
from model_fixtures.errors import ModelFixturesError
from model_fixtures.weights import OnProgress, ensure
from model_fixtures.wire_client import Connection, connect

from .errors import HostModelError
from .host_session import open_host_session


class DownloadOption(msgspec.Struct, frozen=True, rename="camel"):
    """A file that a host offers for download."""

    name: str
    fit_estimation: str
    download_identifier: str
    indexed_model_identifier: str = ""
    quantization: str = ""
    recommended: bool = False


def ensure_weights(catalog: Catalog, on_progress: OnProgress | None = None) -> None:
    """Fetch the weights that the embedded server needs and the cache lacks.

    Raises:
        WeightsError: weights could not be fetched.
    """
    ensure(needed_weights(catalog.models), on_progress)


async def download(
    address: str, catalog: Catalog, on_progress: OnProgress = lambda *_: None
) -> tuple[str, ...]:
    """Have a host download the catalog's models that it lacks, one after another.

    Args:
        address: `host:port`.
        catalog: the suite's models.
        on_progress: called with a model's key, the bytes downloaded so far, and the total.

    Returns:
        The keys of the downloaded models.

    Raises:
        WireError: the connection to the host failed.
        HostModelError: some models could not be downloaded; all others have been.
    """
    async with open_host_session(address) as session:
        inventory = await session.inventory()
    wanted = [model for model in catalog.models if inventory.find_downloaded(model) is None]
    problems: list[str] = []
    async with connect(address, "repository", strict=False) as repository:
        for model in wanted:
            try:
                await _download(repository, model, on_progress)
            except ModelFixturesError as error:
                problems.append(f"{model.key}: {error}")
    if problems:
        raise HostModelError("; ".join(problems))
    return tuple(model.key for model in wanted)


async def _download(repository: Connection, model: CatalogModel, on_progress: OnProgress) -> None:
    wanted = model.repository
    search = {"searchTerm": wanted, "limit": 25, "compatibilityTypes": ["gguf"]}
    answer = await repository.rpc("searchModels", {"opts": search})
    found = next((each for each in _results(answer) if _is_repository(each, wanted)), None)
    if found is None:
        raise HostModelError(f"the host does not find {wanted}: download it in the app")
    parameter = {"modelSearchResultIdentifier": found["identifier"]}
    answer = await repository.rpc("getModelDownloadOptions", parameter)
    option = choose(model, msgspec.convert(_results(answer), list[DownloadOption]))
    creation = {"downloadIdentifier": option.download_identifier}
    async with repository.channel("downloadModel", creation, cancel_on_exit=True) as channel:
        finished = False
        async for packet in channel:
            if packet.get("type") == "downloadProgress":
                update = packet["update"]
                on_progress(model.key, int(update["downloadedBytes"]), int(update["totalBytes"]))
            finished = finished or packet.get("type") == "success"
    if not finished:
        raise HostModelError("the host ended the download without a result")


def choose(model: CatalogModel, options: list[DownloadOption]) -> DownloadOption:
    """Return the best option for a model among those that fit into the host's memory.

    That is the file which the catalog names, else one with its quantization, else the one that
    the host recommends.

    Raises:
        HostModelError: no option fits.
    """
    path = model.path.lower()
    file = path.rpartition("/")[2]

    def rank(option: DownloadOption) -> int:
        if path == option.indexed_model_identifier.lower() or file == option.name.lower():
            return 0
        if option.quantization and option.quantization.lower() in file:
            return 1
        return 2 if option.recommended else 3

    fitting = [option for option in options if option.fit_estimation != "willNotFit"]
    if fitting:
        return min(fitting, key=rank)
    raise HostModelError(
        "the host offers nothing that fits into its memory" if options else "no file to download"
    )


def _results(answer: Any) -> list[Any]:
    results = answer.get("results") if isinstance(answer, dict) else None
    return results if isinstance(results, list) else []


def _is_repository(result: Any, wanted: str) -> bool:
    identifier = result.get("identifier") if isinstance(result, dict) else None
    name = identifier.get("identifier") if isinstance(identifier, dict) else None
    # The name is `owner/name`, or the URL of a repository on a hub.
    return isinstance(name, str) and "/".join(name.split("/")[-2:]).lower() == wanted.lower()
