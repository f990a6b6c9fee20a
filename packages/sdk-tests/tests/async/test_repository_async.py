"""Searches of the model repository, and downloads from it."""

import logging
from typing import Any

import pytest
from lmstudio import (
    AsyncClient,
    DownloadProgressUpdate,
    LMStudioServerError,
    LMStudioValueError,
    LMStudioWebsocketError,
)
from lmstudio.async_api import AsyncAvailableModel, AsyncModelDownloadOption
from msgspec import ValidationError
from sdk_tests.concurrency_async import together
from sdk_tests.structured_log import logged_events

pytestmark = [pytest.mark.anyio, pytest.mark.lmstudio]

SMALL_MODEL = "smollm2-135m"
"""A search term that finds an LLM small enough for a test to download."""
FITS = {"fullGPUOffload", "partialGPUOffload", "fitWithoutGPU", "willNotFit"}


async def find_small_model(client: AsyncClient) -> AsyncAvailableModel:
    """Return the first result of a search for the small model."""
    results = await client.repository.search_models(SMALL_MODEL)
    assert results, f"the search for {SMALL_MODEL!r} found nothing"
    return results[0]


async def smallest_option(client: AsyncClient) -> AsyncModelDownloadOption:
    """Return the small model's smallest download option."""
    model = await find_small_model(client)
    options = await model.get_download_options()
    return min(options, key=lambda option: option.info.size_bytes)


async def test_search_by_term(client: AsyncClient) -> None:
    """A search term finds a model by its name, in lower and upper case."""
    model = await find_small_model(client)
    assert SMALL_MODEL in model.search_result.identifier.identifier.lower()
    (upper, *_) = await client.repository.search_models(SMALL_MODEL.upper())
    assert upper.search_result.identifier == model.search_result.identifier


async def test_search_result_fields(client: AsyncClient) -> None:
    """A result has name and identifier, shows its fields in repr(), and equals the same result."""
    model = await find_small_model(client)
    result = model.search_result
    assert result.name, "the search result has no name"
    assert result.identifier.to_dict().keys() == {"type", "identifier"}
    assert repr(model) == (
        f"{type(model).__name__}(name={result.name!r}, identifier={result.identifier!r},"
        f" exact={result.exact!r}, staff_pick={result.staff_pick!r})"
    )
    assert await find_small_model(client) == model


async def test_results_of_two_clients(client: AsyncClient, lmstudio_host: str) -> None:
    """Two clients find the same model, but only results of one client are equal."""
    async with AsyncClient(lmstudio_host) as other_client:
        ours = await find_small_model(client)
        theirs = await find_small_model(other_client)
    assert ours.search_result == theirs.search_result
    assert ours != theirs


@pytest.mark.parametrize("limit", [1, 2, 25])
async def test_search_by_limit(client: AsyncClient, limit: int) -> None:
    """A search with only a limit finds at least one model and at most that many."""
    assert 1 <= len(await client.repository.search_models(limit=limit)) <= limit


async def test_search_with_everything(client: AsyncClient) -> None:
    """A search with all options finds one model that meets all of them."""
    (model,) = await client.repository.search_models(
        SMALL_MODEL, limit=1, compatibility_types=["gguf"]
    )
    assert SMALL_MODEL in model.search_result.identifier.identifier.lower()


async def test_search_by_compatibility_type(client: AsyncClient) -> None:
    """A search with only a format finds models that have files to download."""
    results = await client.repository.search_models(limit=2, compatibility_types=["gguf"])
    assert results, "the search by format found nothing"
    for model in results:
        assert await model.get_download_options(), f"{model!r} has no files to download"


async def test_search_for_nothing(client: AsyncClient) -> None:
    """A search that matches no model returns an empty list."""
    assert await client.repository.search_models("no-such-model-c1d1a3f5e7") == []


@pytest.mark.parametrize(
    "options",
    [{}, {"search_term": None}, {"search_term": "", "limit": 0, "compatibility_types": []}],
    ids=["none", "null", "empty"],
)
async def test_search_without_options(client: AsyncClient, options: dict[str, Any]) -> None:
    """A search without any option is refused before the host is asked."""
    with pytest.raises(LMStudioValueError, match=r"^At least one search parameter must be specif"):
        await client.repository.search_models(**options)


@pytest.mark.parametrize(
    "options",
    [{"limit": 26}, {"limit": -1}, {"compatibility_types": ["exe"]}, {"search_term": 5}],
    ids=["too-many", "negative", "format", "number"],
)
async def test_search_with_wrong_options(client: AsyncClient, options: dict[str, Any]) -> None:
    """Options that the protocol does not allow are refused before the host is asked."""
    with pytest.raises(ValidationError, match=r" - at `\$\.opts\."):
        await client.repository.search_models(**options)


async def test_download_options(client: AsyncClient) -> None:
    """Each download option has a name, a size, an estimate of its fit, and its own identifier."""
    model = await find_small_model(client)
    options = await model.get_download_options()
    assert options, "the small model has no files to download"
    for option in options:
        info = option.info
        assert info.name, "the download option has no name"
        assert info.size_bytes > 1_000_000, f"{info.name} is too small for a model"
        assert info.fit_estimation in FITS
        assert "/" in info.indexed_model_identifier
        assert repr(option) == (
            f"{type(option).__name__}(name={info.name!r},"
            f" download_identifier={info.download_identifier!r},"
            f" indexed_model_identifier={info.indexed_model_identifier!r},"
            f" recommended={info.recommended!r})"
        )
    identifiers = {option.info.download_identifier for option in options}
    assert len(identifiers) == len(options)


async def test_options_of_a_closed_client(lmstudio_host: str) -> None:
    """Results and options of a closed client raise an error that says what needs a session."""
    async with AsyncClient(lmstudio_host) as client:
        model = await find_small_model(client)
        option = await smallest_option(client)
    name = model.search_result.name
    expected = f"^Session must be connected to retrieve model download options for '{name}'"
    with pytest.raises(LMStudioWebsocketError, match=expected):
        await model.get_download_options()
    expected = f"^Session must be connected to download '{option.info.name}'"
    with pytest.raises(LMStudioWebsocketError, match=expected):
        await option.download()


@pytest.mark.slow
async def test_download_model_calls_back(client: AsyncClient) -> None:
    """A download reports rising progress up to all bytes, and then calls back once at the end."""
    events: list[DownloadProgressUpdate | None] = []
    option = await smallest_option(client)
    identifier = await option.download(events.append, lambda: events.append(None))
    assert identifier, "the download returned an empty identifier"
    updates = [event for event in events if event is not None]
    assert events == [*updates, None]
    assert updates, "the download reported no progress"
    for update in updates:
        assert 0 <= update.downloaded_bytes <= update.total_bytes
        assert update.speed_bytes_per_second >= 0
    downloaded = [update.downloaded_bytes for update in updates]
    assert downloaded == sorted(downloaded)
    assert len({update.total_bytes for update in updates}) == 1
    assert updates[-1].downloaded_bytes == updates[-1].total_bytes


@pytest.mark.slow
async def test_download_model_twice(client: AsyncClient) -> None:
    """A model that is downloaded twice is still listed once."""
    option = await smallest_option(client)
    first = await option.download()
    assert await option.download() == first
    paths = [model.path for model in await client.list_downloaded_models()]
    assert len(paths) == len(set(paths))
    indexed = option.info.indexed_model_identifier
    assert len([path for path in paths if path.startswith(indexed)]) == 1


@pytest.mark.slow
async def test_download_model_in_two_clients(client: AsyncClient, lmstudio_host: str) -> None:
    """Two clients that download the same model at the same time both get it."""
    async with AsyncClient(lmstudio_host) as other_client:
        ours = await smallest_option(client)
        theirs = await smallest_option(other_client)
        first, second = await together([ours.download, theirs.download])
    assert first == second


@pytest.mark.slow
@pytest.mark.models
@pytest.mark.usefixtures("loaded_as_before")
async def test_download_model_and_load_it(client: AsyncClient) -> None:
    """A download returns the key under which the model can be loaded and used."""
    option = await smallest_option(client)
    identifier = await option.download()
    model = await client.llm.load_new_instance(identifier, "just-downloaded")
    result = await model.complete("One two three", config={"maxTokens": 1})
    assert result.model_info.path.startswith(option.info.indexed_model_identifier)
    assert result.stats.predicted_tokens_count == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("callback", "event"),
    [
        ("on_progress", "Progress callback failed when downloading "),
        ("on_finalize", "Download finalization callback failed for "),
    ],
)
async def test_download_model_with_failing_callback(
    client: AsyncClient, caplog: pytest.LogCaptureFixture, callback: str, event: str
) -> None:
    """Each exception in a callback is logged as an error, and the download continues."""

    def fail(*_: Any) -> None:
        raise LookupError("my mistake")

    option = await smallest_option(client)
    callbacks: dict[str, Any] = {callback: fail}
    with caplog.at_level(logging.ERROR):
        identifier = await option.download(**callbacks)
    assert identifier, "the download returned an empty identifier"
    errors = logged_events(caplog, "ModelDownloadEndpoint")
    assert errors, "the callback's exception was not logged"
    for level, fields in errors:
        assert level == "ERROR"
        assert fields["event"] == f"{event}{option.info.download_identifier!r}"
        assert fields["exc"] == "LookupError('my mistake')"


async def test_download_model_of_another_client(client: AsyncClient, lmstudio_host: str) -> None:
    """The host refuses the download identifier of another client."""
    option = await smallest_option(client)
    async with AsyncClient(lmstudio_host) as other_client:
        theirs = await smallest_option(other_client)
        assert theirs.info.download_identifier != option.info.download_identifier
        ours = AsyncModelDownloadOption(theirs.info.to_dict(), client.repository)
        with pytest.raises(LMStudioServerError, match=r"^Model download error: "):
            await ours.download()


async def test_download_model_with_unknown_identifier(client: AsyncClient) -> None:
    """A made-up download identifier raises a server error, and the client stays usable."""
    option = await smallest_option(client)
    made_up = {**option.info.to_dict(), "downloadIdentifier": "no such identifier"}
    wrong = AsyncModelDownloadOption(made_up, client.repository)
    with pytest.raises(LMStudioServerError, match=r"^Model download error: "):
        await wrong.download()
    assert (await smallest_option(client)).info.name == option.info.name
