"""Having a host download the models that it lacks."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.catalog import Catalog
from model_fixtures.host_models import HostModelError, download
from model_fixtures.host_models.downloading import DownloadOption, choose

from ..fake_host import FakeHost  # noqa: TID252 (tests are not an importable package)

pytestmark = pytest.mark.anyio


def option(name: str, **more: Any) -> dict[str, Any]:
    """Return a download option in the form that hosts send."""
    return {
        "name": name,
        "sizeBytes": 1000,
        "fitEstimation": "fullGPUOffload",
        "downloadIdentifier": f"get {name}",
        "indexedModelIdentifier": f"pub/One-GGUF/{name}",
        **more,
    }


@pytest.fixture
def lacking(host: FakeHost) -> FakeHost:
    """Provide a host that lacks the model `one`, and finds it among others."""
    host.downloaded = [each for each in host.downloaded if each["modelKey"] != "one"]
    host.search_results = [
        {"name": "One 2", "identifier": {"type": "hf", "identifier": "pub/One-GGUF-2"}},
        {"name": "One", "identifier": {"type": "hf", "identifier": "pub/one-gguf"}},
    ]
    host.download_options = [option("one-q8.gguf", recommended=True), option("one-q4.gguf")]
    return host


async def test_download(lacking: FakeHost, catalog: Catalog) -> None:
    """The file that the catalog names is found, chosen and downloaded, with progress."""
    progress: list[tuple[str, int, int]] = []
    keys = await download(lacking.address, catalog, lambda *step: progress.append(step))
    assert keys == ("one",)
    assert lacking.parameters("searchModels") == [
        {"opts": {"searchTerm": "pub/One-GGUF", "limit": 25, "compatibilityTypes": ["gguf"]}}
    ]
    assert lacking.parameters("getModelDownloadOptions") == [
        {"modelSearchResultIdentifier": {"type": "hf", "identifier": "pub/one-gguf"}}
    ]
    assert lacking.parameters("downloadModel") == [{"downloadIdentifier": "get one-q4.gguf"}]
    assert progress == [("one", 0, 1000), ("one", 500, 1000), ("one", 1000, 1000)]


async def test_nothing_to_download(host: FakeHost, catalog: Catalog) -> None:
    """A host that has all models is not asked to search."""
    assert await download(host.address, catalog) == ()
    assert host.endpoints() == []


async def test_a_model_that_is_not_found(lacking: FakeHost, catalog: Catalog) -> None:
    """The error about a model that the host does not find names the repository."""
    lacking.search_results = lacking.search_results[:1]
    with pytest.raises(HostModelError) as caught:
        await download(lacking.address, catalog)
    assert str(caught.value) == "one: the host does not find pub/One-GGUF: download it in the app"


async def test_one_failure_does_not_stop_the_others(lacking: FakeHost, catalog: Catalog) -> None:
    """If one model cannot be downloaded, the others still are."""
    lacking.downloaded = []
    with pytest.raises(HostModelError) as caught:
        await download(lacking.address, catalog)
    assert lacking.parameters("downloadModel") == [{"downloadIdentifier": "get one-q4.gguf"}]
    named = [part.partition(":")[0] for part in str(caught.value).split("; ")]
    assert named == ["embed", "two", "jit"]


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        (
            [
                DownloadOption("x", "fullGPUOffload", "by quantization", quantization="Q4"),
                DownloadOption("ONE-q4.gguf", "fullGPUOffload", "by file"),
            ],
            "by file",
        ),
        (
            [
                DownloadOption("x", "fullGPUOffload", "advised", recommended=True),
                DownloadOption("y", "fullGPUOffload", "by quantization", quantization="Q4"),
            ],
            "by quantization",
        ),
        (
            [
                DownloadOption("x", "fullGPUOffload", "first"),
                DownloadOption("y", "fitWithoutGPU", "advised", recommended=True),
            ],
            "advised",
        ),
        (
            [
                DownloadOption("x", "fitWithoutGPU", "first"),
                DownloadOption("y", "fitWithoutGPU", "second"),
            ],
            "first",
        ),
        (
            [
                DownloadOption("one-q4.gguf", "willNotFit", "too large"),
                DownloadOption("y", "partialGPUOffload", "fits"),
            ],
            "fits",
        ),
    ],
)
def test_choice(catalog: Catalog, options: list[DownloadOption], chosen: str) -> None:
    """The catalog's file is chosen, else its quantization, else what the host recommends."""
    assert choose(catalog.models[1], options).download_identifier == chosen


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "no file to download"),
        (
            [DownloadOption("x", "willNotFit", "x")],
            "the host offers nothing that fits into its memory",
        ),
    ],
)
def test_no_choice(catalog: Catalog, options: list[DownloadOption], problem: str) -> None:
    """The error says whether nothing is offered or nothing fits."""
    with pytest.raises(HostModelError, match=f"^{problem}$"):
        choose(catalog.models[1], options)
