"""The downloaded models: the suite's own, and those in the models folder.

The folder is read anew each time, so that downloads, copies and deletions need no restart; the
server reads it in a thread. A file with the path of one of the suite's models counts as that model:
it is listed once, under the suite's key, and the weights that the catalog names answer.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from model_fixtures.catalog import Catalog, CatalogModel, GgufHeaderError, describe_file
from model_fixtures.errors import ModelFixturesError
from model_fixtures.regular_files import UnfitFileError, has_sendable_name

QUANTIZATION = re.compile(r"[-._](?:I?Q\d\w*|F16|F32|BF16|FP16)$", re.IGNORECASE)
PREFIX = "text-embedding-"  # of the keys of embedding models, as in the app

logger = logging.getLogger("model_fixtures.server")


class ModelsFolderError(ModelFixturesError):
    """A file can't be taken in or deleted. The message is one line and says what to do."""


class DownloadedModels:
    """The downloaded models.

    Args:
        suite: the suite's own models.
        folder: the models folder, laid out like LM Studio's. It need not exist.
    """

    def __init__(self, suite: Catalog, folder: Path) -> None:
        self.folder = folder
        self._suite = suite
        self._described: dict[tuple[Path, int, int], CatalogModel | None] = {}
        self._looking = threading.Lock()  # so that only one thread reads a new file

    @property
    def catalog(self) -> Catalog:
        """All models, the suite's first."""
        own = {model.path.lower() for model in self._suite.models}
        added = tuple(model for model in self.downloaded() if model.path.lower() not in own)
        return Catalog(models=(*self._suite.models, *added))

    def downloaded(self) -> list[CatalogModel]:
        """Return the models in the folder, those of the suite included, the oldest file first.

        The suite's models have their own keys here, but the files of the folder.
        """
        own = {model.path.lower(): model.key for model in self._suite.models}
        holders = {model.key: _repository(model) for model in self._suite.models}
        models: list[CatalogModel] = []
        with self._looking:
            found = list(self._scan())
        for described in found:
            key = own.get(described.path.lower()) or _free_key(described, holders)
            holders[key] = _repository(described)
            models.append(msgspec.structs.replace(described, key=key))
        return models

    def take(self, staged: Path, path: str) -> CatalogModel:
        """Move a complete file to its place in the folder, and return the model that it is.

        Args:
            staged: a file on the same file system.
            path: `publisher/repo/file.gguf`.

        Raises:
            ModelsFolderError: the file is no GGUF.
            OSError: the file can't be moved.
        """
        try:
            describe_file(staged, path, path)
        except GgufHeaderError as error:
            raise ModelsFolderError(f"{path} {error}: correct its source in the catalog") from None
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(target)
        return self.at(path)

    def at(self, path: str) -> CatalogModel:
        """Return the model in the folder with this path.

        Raises:
            ModelsFolderError: there is none.
        """
        for model in self.downloaded():
            if model.path == path:
                return model
        raise ModelsFolderError(f"{path} is gone from {self.folder}: download it again")

    def find_downloaded(self, name: str) -> CatalogModel:
        """Return the one model in the folder that has a key or a path.

        Raises:
            ModelsFolderError: there is none, or more than one.
        """
        downloaded = self.downloaded()
        found = Catalog(models=tuple(downloaded)).find(name)
        if len(found) == 1:
            return found[0]
        among = ", ".join(model.key for model in (found or downloaded)) or "none"
        if found:
            raise ModelsFolderError(
                f"{name!r} means several downloaded models: name one of {among}"
            )
        note = "the suite keeps the weights of its own models; " if self._suite.find(name) else ""
        raise ModelsFolderError(
            f"{name!r} is no model in {self.folder}: {note}downloaded are {among}"
        )

    def delete(self, model: CatalogModel) -> None:
        """Delete the file of a model in the folder, and the folders that are empty without it.

        Raises:
            ModelsFolderError: the file lies elsewhere, or can't be deleted.
        """
        file = self.folder / model.path
        # A link to a file may go; what lies behind a link to a folder is not ours.
        if not file.parent.resolve().is_relative_to(self.folder.resolve()):
            raise ModelsFolderError(
                f"{file} lies outside of {self.folder}, behind a link: delete it there"
            )
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise ModelsFolderError(
                f"cannot delete {file} ({error.strerror}): make its folder writable"
            ) from None
        for folder in (file.parent, file.parent.parent):
            try:
                folder.rmdir()
            except OSError:  # other files are in there
                return

    def _scan(self) -> Iterator[CatalogModel]:
        found: list[tuple[int, str, Path, int]] = []
        for file in self.folder.glob("*/*/*.gguf"):
            try:
                status = file.stat()
            except OSError:  # deleted just now
                continue
            path = file.relative_to(self.folder).as_posix()
            if not path.startswith(".") and not file.name.lower().startswith("mmproj"):
                found.append((status.st_mtime_ns, path, file, status.st_size))
        marks = set()
        for modified, path, file, size in sorted(found):
            mark = (file, modified, size)
            marks.add(mark)
            described = self._describe(file, path, mark)
            if described is not None:
                yield described
        # Otherwise a file that is being written would be remembered in each of its states.
        self._described = {mark: self._described[mark] for mark in marks}

    def _describe(self, file: Path, path: str, mark: tuple[Path, int, int]) -> CatalogModel | None:
        if mark not in self._described:
            try:
                if not has_sendable_name(file):
                    raise GgufHeaderError("has a path that is not UTF-8: rename it")
                name = re.sub(r"[-_]+", " ", _base(path))
                self._described[mark] = describe_file(file, path, name)
            except (GgufHeaderError, OSError) as error:
                # Such as a copy that is under way: its size and time change, so it is read again.
                # A name may hold a line break.
                logger.warning("%r is not listed: it %s", str(file), _why(error))
                self._described[mark] = None
        return self._described[mark]


def _why(problem: GgufHeaderError | OSError) -> str:
    if isinstance(problem, OSError) and not isinstance(problem, UnfitFileError):
        return f"cannot be read ({problem.strerror})"
    return str(problem.strerror if isinstance(problem, OSError) else problem)


def _base(path: str) -> str:
    """Return the name of a path's model: the repository's, without format and quantization."""
    name = re.sub(r"[-._]gguf$", "", path.split("/")[1], flags=re.IGNORECASE)
    return QUANTIZATION.sub("", name)


def _repository(model: CatalogModel) -> str:
    return model.path.rpartition("/")[0].lower()


def _free_key(model: CatalogModel, holders: dict[str, str]) -> str:
    """Return a key that no model has yet: `name`, `name@quantization` or `publisher/name`.

    Args:
        model: a model whose key is still its path.
        holders: the repository of the model that has each key.
    """
    key = _base(model.path).lower()
    if model.domain == "embedding":
        key = PREFIX + key.removeprefix(PREFIX)
    if key in holders and holders[key] != _repository(model):
        key = f"{model.publisher.lower()}/{key}"
    if key in holders and model.quantization is not None:
        key = f"{key}@{model.quantization.lower()}"
    return model.path if key in holders else key
