"""Loading and unloading the suite's models on a host."""

from __future__ import annotations

import pytest
from model_fixtures.catalog import Catalog
from model_fixtures.host_models import LoadEvent, ensure_loaded, load, unload
from model_fixtures.wire_client import AuthenticationError, ConnectError

from ..fake_host import FakeHost, instance  # noqa: TID252 (tests are not an importable package)

pytestmark = pytest.mark.anyio


def identifiers(host: FakeHost) -> list[str]:
    """Return the identifiers of the loaded instances."""
    return sorted(each["identifier"] for each in host.loaded)


async def test_required_models_are_loaded(host: FakeHost, catalog: Catalog) -> None:
    """All required models are loaded under their keys with the suite's context and no TTL."""
    report = await load(host.address, catalog)
    assert (report.loaded, report.problems, report.extra) == (("embed", "one", "two"), (), ())
    parameters = {each["modelKey"]: each for each in host.parameters("loadModel")}
    assert parameters["embed"] == {
        "modelKey": "embed",
        "identifier": "embed",
        "loadConfigStack": {
            "layers": [
                {
                    "layerName": "apiOverride",
                    "config": {"fields": [{"key": "embedding.load.contextLength", "value": 2048}]},
                }
            ]
        },
    }
    fields = parameters["one"]["loadConfigStack"]["layers"][0]["config"]["fields"]
    assert fields == [{"key": "llm.load.contextLength", "value": 4096}]
    assert identifiers(host) == ["embed", "one", "two"]


async def test_namespaces(host: FakeHost, catalog: Catalog) -> None:
    """Each model is loaded through the namespace of its domain."""
    await load(host.address, catalog)
    used = {(space, p["modelKey"]) for space, name, p in host.calls if name == "loadModel"}
    assert used == {("embedding", "embed"), ("llm", "one"), ("llm", "two")}


async def test_models_are_loaded_at_the_same_time(host: FakeHost, catalog: Catalog) -> None:
    """All models begin to load before the first one has finished."""
    host.gate = 3
    report = await load(host.address, catalog)
    assert report.loaded == ("embed", "one", "two")


async def test_first_every_instance_of_a_test_model_is_unloaded(
    host: FakeHost, catalog: Catalog
) -> None:
    """Instances under any identifier are unloaded first, those of optional models too."""
    host.loaded = [
        instance("embed", "pub/embed-GGUF/embed.gguf", "embedding"),
        instance("one", "pub/One-GGUF/one-q4.gguf", identifier="mine"),
        instance("one", "pub/One-GGUF/one-q4.gguf", identifier="one:2"),
        instance("jit", "pub/Jit-GGUF/jit.gguf"),
    ]
    await load(host.address, catalog)
    assert host.endpoints() == ["unloadModel"] * 4 + ["loadModel"] * 3
    unloaded = [parameter["identifier"] for parameter in host.parameters("unloadModel")]
    assert unloaded == ["embed", "mine", "one:2", "jit"]
    assert identifiers(host) == ["embed", "one", "two"]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("one@q8_0", "somebody/else/one.gguf"),
        ("pub/one", "somebody/else/one.gguf"),
        ("renamed", "pub/ONE-gguf/another-quantization.gguf"),
    ],
)
async def test_a_test_model_under_another_name(
    host: FakeHost, catalog: Catalog, key: str, path: str
) -> None:
    """A model is recognized under keys with quantization or publisher, and by its repository."""
    host.downloaded = [each for each in host.downloaded if each["modelKey"] != "one"]
    host.downloaded.append({**host.downloaded[0], "type": "llm", "modelKey": key, "path": path})
    host.loaded = [instance(key, path)]
    report = await load(host.address, catalog)
    assert [each["identifier"] for each in host.parameters("unloadModel")] == [key]
    assert report.problems == ()
    assert key in [each["modelKey"] for each in host.parameters("loadModel")]
    assert identifiers(host) == ["embed", "one", "two"]


async def test_other_models_stay_untouched(host: FakeHost, catalog: Catalog) -> None:
    """Instances of other models are not unloaded, but reported as extra."""
    host.loaded = [
        instance("other", "pub/Other-GGUF/other.gguf"),
        instance("one-more", "pub/One-GGUF-2/one.gguf"),
    ]
    report = await load(host.address, catalog)
    assert host.parameters("unloadModel") == []
    assert [each.identifier for each in report.extra] == ["other", "one-more"]
    assert identifiers(host) == ["embed", "one", "one-more", "other", "two"]


async def test_missing_models_are_named_with_the_command(host: FakeHost, catalog: Catalog) -> None:
    """Models that are not downloaded are named in one line with the command that gets them."""
    host.downloaded = [each for each in host.downloaded if each["modelKey"] not in ("one", "two")]
    report = await load(host.address, catalog)
    assert report.loaded == ("embed",)
    assert report.problems == (f"{host.address} has no one, two: run `model-fixtures download`",)
    assert "downloadModel" not in host.endpoints()


async def test_a_model_that_cannot_be_loaded(host: FakeHost, catalog: Catalog) -> None:
    """A failure is reported with the host's text, and all other models are loaded."""
    host.load_errors["one"] = "Not enough memory"
    report = await load(host.address, catalog)
    assert report.loaded == ("embed", "two")
    assert report.problems == ("one: loadModel: Not enough memory",)


async def test_events(host: FakeHost, catalog: Catalog) -> None:
    """There are events for unloading, progress, success and failure."""
    host.loaded = [instance("two", "pub/Two-GGUF/two-q4.gguf", identifier="two:2")]
    host.load_errors["one"] = "broken"
    events: list[LoadEvent] = []
    await load(host.address, catalog, events.append)
    assert events[0] == LoadEvent("two:2", "unloaded")
    assert [each for each in events if each.name == "two"] == [
        LoadEvent("two", "loading", 0.0),
        LoadEvent("two", "loading", 0.0),
        LoadEvent("two", "loading", 0.5),
        LoadEvent("two", "loading", 1.0),
        LoadEvent("two", "loaded", 1.0),
    ]
    assert [each for each in events if each.name == "one"] == [
        LoadEvent("one", "loading"),
        LoadEvent("one", "failed", text="loadModel: broken"),
    ]


async def test_what_is_loaded_well_stays(host: FakeHost, catalog: Catalog) -> None:
    """`ensure_loaded` changes nothing on a host that has exactly what the suite expects."""
    await load(host.address, catalog)
    host.calls.clear()
    report = await ensure_loaded(host.address, catalog)
    assert report.loaded == ("embed", "one", "two")
    assert host.endpoints() == []


@pytest.mark.parametrize(
    "change",
    [
        {"contextLength": 8192},
        {"ttlMs": 60000},
        {"identifier": "one:2"},
    ],
)
async def test_what_is_loaded_otherwise_is_loaded_anew(
    host: FakeHost, catalog: Catalog, change: dict[str, object]
) -> None:
    """After another context, a TTL or another identifier, all models are loaded again."""
    await load(host.address, catalog)
    for each in host.loaded:
        if each["identifier"] == "one":
            each.update(change)
    host.calls.clear()
    report = await ensure_loaded(host.address, catalog)
    assert report.problems == ()
    assert host.endpoints() == ["unloadModel"] * 3 + ["loadModel"] * 3


async def test_surplus_instances_of_test_models_are_unloaded(
    host: FakeHost, catalog: Catalog
) -> None:
    """A second instance, or one of an optional model, also has all models loaded again."""
    await load(host.address, catalog)
    host.loaded.append(instance("jit", "pub/Jit-GGUF/jit.gguf"))
    await ensure_loaded(host.address, catalog)
    assert identifiers(host) == ["embed", "one", "two"]


async def test_extra_models_do_not_make_it_load_anew(host: FakeHost, catalog: Catalog) -> None:
    """`ensure_loaded` reports other models and leaves them loaded."""
    await load(host.address, catalog)
    host.loaded.append(instance("other", "pub/Other-GGUF/other.gguf"))
    host.calls.clear()
    report = await ensure_loaded(host.address, catalog)
    assert [each.identifier for each in report.extra] == ["other"]
    assert host.endpoints() == []


async def test_unload(host: FakeHost, catalog: Catalog) -> None:
    """`unload` unloads every instance of the suite's models and returns their identifiers."""
    host.loaded = [
        instance("embed", "pub/embed-GGUF/embed.gguf", "embedding", identifier="e"),
        instance("other", "pub/Other-GGUF/other.gguf"),
        instance("jit", "pub/Jit-GGUF/jit.gguf"),
    ]
    assert await unload(host.address, catalog) == ("e", "jit")
    assert identifiers(host) == ["other"]
    assert await unload(host.address, catalog) == ()


async def test_a_host_that_refuses(host: FakeHost, catalog: Catalog) -> None:
    """A host that refuses the client raises an error of one line with the host's text."""
    host.refusal = "Invalid passkey"
    with pytest.raises(AuthenticationError, match="refuses the client: Invalid passkey"):
        await load(host.address, catalog)


async def test_no_host(catalog: Catalog) -> None:
    """A host that does not answer raises ConnectError."""
    with FakeHost() as gone:
        address = gone.address
    with pytest.raises(ConnectError, match=address):
        await load(address, catalog)
