"""Exactly the models that were asked for, whatever a host had loaded before."""

from __future__ import annotations

import pytest
from model_fixtures.catalog import Catalog
from model_fixtures.host_models import HostModelError, load_exactly

from ..fake_host import FakeHost, info, instance  # noqa: TID252 (tests are no package)

pytestmark = pytest.mark.anyio


@pytest.fixture
def host(fake_host: FakeHost, catalog: Catalog) -> FakeHost:
    """Provide a host that has downloaded all models of the catalog."""
    fake_host.downloaded = [info(each.key, each.path, each.domain) for each in catalog.models]
    return fake_host


def identifiers(host: FakeHost) -> list[str]:
    """Return what the host has loaded."""
    return sorted(each["identifier"] for each in host.loaded)


async def test_these_are_loaded(host: FakeHost, catalog: Catalog) -> None:
    """The models are loaded under their keys with the suite's context, others are not."""
    wanted = [catalog.models[3], catalog.models[0]]
    loaded = await load_exactly(host.address, wanted, catalog)
    assert [each.identifier for each in loaded] == ["jit", "embed"]
    assert [each.context_length for each in loaded] == [4096, 2048]
    assert identifiers(host) == ["embed", "jit"]


async def test_what_is_right_stays(host: FakeHost, catalog: Catalog) -> None:
    """A second time nothing is loaded or unloaded."""
    await load_exactly(host.address, catalog.models[:2], catalog)
    host.calls.clear()
    await load_exactly(host.address, catalog.models[:2], catalog)
    assert host.endpoints() == []


async def test_only_the_difference_is_loaded(host: FakeHost, catalog: Catalog) -> None:
    """What is missing is loaded, a surplus model of the suite unloaded, and the rest stays."""
    await load_exactly(host.address, catalog.models[:2], catalog)
    host.calls.clear()
    await load_exactly(host.address, catalog.models[1:3], catalog)
    assert host.endpoints() == ["unloadModel", "loadModel"]
    assert identifiers(host) == ["one", "two"]


@pytest.mark.parametrize(
    "change", [{"contextLength": 8192}, {"ttlMs": 60000}, {"identifier": "one:2"}]
)
async def test_what_differs_is_loaded_anew(
    host: FakeHost, catalog: Catalog, change: dict[str, object]
) -> None:
    """An instance with another configuration or identifier is replaced."""
    await load_exactly(host.address, catalog.models[1:2], catalog)
    host.loaded[0].update(change)
    await load_exactly(host.address, catalog.models[1:2], catalog)
    (left,) = host.loaded
    assert (left["identifier"], left["contextLength"], left["ttlMs"]) == ("one", 4096, None)


async def test_what_is_not_trusted_is_loaded_anew(host: FakeHost, catalog: Catalog) -> None:
    """An instance that only looks right is replaced."""
    host.loaded = [instance("one", "pub/One-GGUF/one-q4.gguf", instanceReference="a stranger's")]
    (new,) = await load_exactly(
        host.address,
        catalog.models[1:2],
        catalog,
        trusts=lambda each: each.instance_reference != "a stranger's",
    )
    assert host.endpoints() == ["unloadModel", "loadModel"]
    assert new.instance_reference is None


@pytest.mark.parametrize(("alone", "left"), [(False, ["one", "other"]), (True, ["one"])])
async def test_models_of_others(
    host: FakeHost, catalog: Catalog, alone: bool, left: list[str]
) -> None:
    """Models that are none of the suite's are unloaded only where nobody else uses the host."""
    host.loaded = [instance("other", "pub/Other-GGUF/other.gguf")]
    await load_exactly(host.address, catalog.models[1:2], catalog, alone=alone)
    assert identifiers(host) == left


async def test_no_models(host: FakeHost, catalog: Catalog) -> None:
    """Asked for no model, all of the suite's are unloaded."""
    await load_exactly(host.address, catalog.models, catalog)
    assert await load_exactly(host.address, [], catalog) == ()
    assert host.loaded == []


async def test_problems_are_one_error(host: FakeHost, catalog: Catalog) -> None:
    """What cannot be loaded and what is not there is named in one line; the rest is loaded."""
    host.downloaded.pop()
    host.load_errors["one"] = "broken"
    with pytest.raises(HostModelError) as caught:
        await load_exactly(host.address, catalog.models[1:], catalog)
    assert str(caught.value).startswith(f"one: loadModel: broken; {host.address} has no jit: run ")
    assert identifiers(host) == ["two"]
