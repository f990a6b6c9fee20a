"""Downloads, only ever on demand: weights for the embedded server, models on a real host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from model_fixtures.catalog import Catalog, CatalogModel, needed_weights
from model_fixtures.errors import ModelFixturesError
from model_fixtures.weights import ensure
from model_fixtures.wire_client import Connection, connect

from .errors import LoaderError
from .host_session import open_session

OnDownload = Callable[[str, int, int], None]
"""Gets a name, the bytes downloaded so far, and the bytes in all."""


class Option(msgspec.Struct, frozen=True, rename="camel"):
    """One of the files that a host offers to download for a model."""

    name: str
    fit_estimation: str
    download_identifier: str
    indexed_model_identifier: str = ""
    quantization: str = ""
    recommended: bool = False


def ensure_weights(catalog: Catalog, on_download: OnDownload = lambda *_: None) -> None:
    """Fetch what the embedded server needs and the cache lacks. Raises `WeightsError`."""
    ensure(needed_weights(catalog.models), on_download)


async def download(
    address: str, catalog: Catalog, on_download: OnDownload = lambda *_: None
) -> tuple[str, ...]:
    """Let the host at `host:port` download the catalog's models that it lacks, one after another.

    Returns:
        The keys of the downloaded models.

    Raises:
        WireError: the host cannot be talked to.
        LoaderError: models could not be had; one line. The others are downloaded all the same.
    """
    async with open_session(address) as session:
        inventory = await session.inventory()
    wanted = [model for model in catalog.models if inventory.find_downloaded(model) is None]
    problems: list[str] = []
    async with connect(address, "repository", strict=False) as repository:
        for model in wanted:
            try:
                await _download(repository, model, on_download)
            except ModelFixturesError as error:
                problems.append(f"{model.key}: {error}")
    if problems:
        raise LoaderError("; ".join(problems))
    return tuple(model.key for model in wanted)


async def _download(repository: Connection, model: CatalogModel, on_download: OnDownload) -> None:
    wanted = "/".join(model.path.split("/")[:2])
    search = {"searchTerm": wanted, "limit": 25, "compatibilityTypes": ["gguf"]}
    answer = await repository.rpc("searchModels", {"opts": search})
    found = next((each for each in _results(answer) if _is_repository(each, wanted)), None)
    if found is None:
        msg = f"the host finds no {wanted}: download it in the app"
        raise LoaderError(msg)
    parameter = {"modelSearchResultIdentifier": found["identifier"]}
    answer = await repository.rpc("getModelDownloadOptions", parameter)
    option = choose(model, msgspec.convert(_results(answer), list[Option]))
    creation = {"downloadIdentifier": option.download_identifier}
    async with repository.channel("downloadModel", creation, cancel_on_exit=True) as channel:
        finished = False
        async for packet in channel:
            if packet.get("type") == "downloadProgress":
                update = packet["update"]
                on_download(model.key, int(update["downloadedBytes"]), int(update["totalBytes"]))
            finished = finished or packet.get("type") == "success"
    if not finished:
        msg = "the host ended the download without saying how"
        raise LoaderError(msg)


def choose(model: CatalogModel, options: list[Option]) -> Option:
    """Return the option for the catalog's very file, else its quantization, else what the host
    advises.

    Raises:
        LoaderError: none fits into this machine's memory.
    """
    path = model.path.lower()
    file = path.rpartition("/")[2]

    def rank(option: Option) -> int:
        if path == option.indexed_model_identifier.lower() or file == option.name.lower():
            return 0
        if option.quantization and option.quantization.lower() in file:
            return 1
        return 2 if option.recommended else 3

    fitting = [option for option in options if option.fit_estimation != "willNotFit"]
    if fitting:
        return min(fitting, key=rank)
    msg = "the host offers nothing that fits into its memory" if options else "no file to download"
    raise LoaderError(msg)


def _results(answer: Any) -> list[Any]:
    results = answer.get("results") if isinstance(answer, dict) else None
    return results if isinstance(results, list) else []


def _is_repository(result: Any, wanted: str) -> bool:
    identifier = result.get("identifier") if isinstance(result, dict) else None
    name = identifier.get("identifier") if isinstance(identifier, dict) else None
    # A catalog entry names itself owner/name, a hub entry may be the whole URL.
    return isinstance(name, str) and "/".join(name.split("/")[-2:]).lower() == wanted.lower()
