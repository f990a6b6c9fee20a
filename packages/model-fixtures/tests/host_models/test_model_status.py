"""The status of the suite's models on a host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from model_fixtures.catalog import Catalog
from model_fixtures.host_models import HostModelError, read_status, status_without_host

from ..fake_host import FakeHost, instance  # noqa: TID252 (tests are not an importable package)

pytestmark = pytest.mark.anyio


async def test_status(host: FakeHost, catalog: Catalog) -> None:
    """Each model is listed as downloaded and loaded or not; all other instances are extra."""
    host.downloaded = [each for each in host.downloaded if each["modelKey"] != "two"]
    host.loaded = [
        instance("embed", "pub/embed-GGUF/embed.gguf", "embedding", contextLength=2048),
        instance("one", "pub/One-GGUF/one-q4.gguf", identifier="one:2"),
        instance("jit", "pub/Jit-GGUF/jit.gguf"),
        instance("other", "pub/Other-GGUF/other.gguf"),
    ]
    status = await read_status(host.address, catalog)
    assert [
        (each.model.key, each.downloaded, each.instance is not None, each.ready)
        for each in status.models
    ] == [
        ("embed", True, True, True),
        ("one", True, False, False),
        ("two", False, False, False),
        ("jit", True, True, True),
    ]
    assert [each.identifier for each in status.extra] == ["one:2", "jit", "other"]
    assert [model.key for model in status.missing] == ["two"]
    assert not status.ready


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, None),
        ({"contextLength": 2048}, "context 2048 instead of 4096"),
        ({"ttlMs": 90000}, "unloads itself after 90 s"),
    ],
)
async def test_problems_of_loaded_models(
    host: FakeHost, catalog: Catalog, change: dict[str, Any], problem: str | None
) -> None:
    """If an instance is not loaded as expected, the status says what differs."""
    host.loaded = [instance("one", "pub/One-GGUF/one-q4.gguf", **change)]
    status = await read_status(host.address, catalog)
    assert status.models[1].problem == problem
    assert status.models[1].ready is (problem is None)


async def test_an_identifier_that_is_taken(host: FakeHost, catalog: Catalog) -> None:
    """Another model under a test model's identifier counts as extra, not as the test model."""
    host.loaded = [instance("other", "pub/Other-GGUF/other.gguf", identifier="one")]
    status = await read_status(host.address, catalog)
    assert status.models[1].instance is None
    assert [each.model_key for each in status.extra] == ["other"]


async def test_an_answer_that_makes_no_sense(host: FakeHost, catalog: Catalog) -> None:
    """A list in an unknown form raises an error that names the endpoint."""
    host.downloaded = [{"modelKey": 1}]
    problem = f"{host.address}: the answer to listDownloadedModels has an unknown form: Expected"
    with pytest.raises(HostModelError, match=f"^{problem} `str`"):
        await read_status(host.address, catalog)


def test_status_without_a_host(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a host, models whose weights or file are on this machine count as downloaded."""
    monkeypatch.setenv("LMSTUDIO_TEST_CACHE", str(tmp_path))
    real, broken, cached = (
        msgspec.structs.replace(catalog.models[0], weights=None, file=tmp_path / "a.gguf"),
        msgspec.structs.replace(
            catalog.models[1], weights=None, file=tmp_path / "b.gguf", problem="not a GGUF"
        ),
        catalog.models[2],
    )
    status = status_without_host(Catalog(models=(real, broken, cached)))
    assert [each.downloaded for each in status.models] == [True, False, False]
    assert [each.instance for each in status.models] == [None, None, None]
    assert status.extra == ()
