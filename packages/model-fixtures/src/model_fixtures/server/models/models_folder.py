"""The GGUF files in a folder that is laid out like LM Studio's models folder."""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path

from model_fixtures.catalog import CatalogModel, GgufHeaderError, describe_file
from model_fixtures.catalog.model_files import is_later_part
from model_fixtures.regular_files import UnfitFileError, has_sendable_name

QUANTIZATION = re.compile(r"[-._](?:I?Q\d\w*|F16|F32|BF16|FP16)$", re.IGNORECASE)

logger = logging.getLogger("model_fixtures.server")


class ModelsFolder:
    """A folder with `publisher/repo/file.gguf` in it. What is in the files is remembered.

    Args:
        path: the folder. It need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._described: dict[tuple[Path, int, int], CatalogModel | None] = {}
        self._looking = threading.Lock()  # so that only one thread reads a new file

    def models(self) -> list[CatalogModel]:
        """Return the models that are there now, the oldest file first; their keys are their paths.

        Files that are no sound GGUF are left out, with a warning in the log when they are new.
        """
        with self._looking:
            return self._scan()

    def _scan(self) -> list[CatalogModel]:
        found: list[tuple[int, str, Path, int]] = []
        for file in self.path.glob("*/*/*.gguf"):
            try:
                status = file.stat()
            except OSError:  # deleted just now
                continue
            path = file.relative_to(self.path).as_posix()
            if not path.startswith(".") and not _is_part_of_another(file):
                found.append((status.st_mtime_ns, path, file, status.st_size))
        models: list[CatalogModel] = []
        marks = set()
        for modified, path, file, size in sorted(found):
            mark = (file, modified, size)
            marks.add(mark)
            described = self._describe(file, path, mark)
            if described is not None:
                models.append(described)
        # Otherwise a file that is being written would be remembered in each of its states.
        self._described = {mark: self._described[mark] for mark in marks}
        return models

    def _describe(self, file: Path, path: str, mark: tuple[Path, int, int]) -> CatalogModel | None:
        if mark not in self._described:
            try:
                if not has_sendable_name(file):
                    raise GgufHeaderError("has a path that is not UTF-8: rename it")
                name = re.sub(r"[-_]+", " ", base_name(path))
                self._described[mark] = describe_file(file, path, name)
            except (GgufHeaderError, OSError) as error:
                # Such as a copy that is under way: its size and time change, so it is read again.
                # A name may hold a line break.
                logger.warning("%r is not listed: it %s", str(file), _why(error))
                self._described[mark] = None
        return self._described[mark]


def base_name(path: str) -> str:
    """Return the name of a path's model: the repository's, without format and quantization."""
    name = re.sub(r"[-._]gguf$", "", path.split("/")[1], flags=re.IGNORECASE)
    return QUANTIZATION.sub("", name)


def _is_part_of_another(file: Path) -> bool:
    return file.name.lower().startswith("mmproj") or is_later_part(file)


def _why(problem: GgufHeaderError | OSError) -> str:
    if isinstance(problem, OSError) and not isinstance(problem, UnfitFileError):
        return f"cannot be read ({problem.strerror})"
    return str(problem.strerror if isinstance(problem, OSError) else problem)
