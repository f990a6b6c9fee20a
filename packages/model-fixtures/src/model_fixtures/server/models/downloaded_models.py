"""The downloaded models: the suite's own, those in the models folder, and those of the user.

The folders are read anew each time, so that downloads, copies and deletions need no restart; the
server reads them in a thread. A file with the path of one of the suite's models counts as that
model: it is listed once, under the suite's key, and the weights that the catalog names answer.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from model_fixtures.catalog import Catalog, CatalogModel, GgufHeaderError, describe_file
from model_fixtures.catalog.model_files import all_parts
from model_fixtures.errors import ModelFixturesError

from .models_folder import ModelsFolder, base_name

PREFIX = "text-embedding-"  # of the keys of embedding models, as in the app


class ModelsFolderError(ModelFixturesError):
    """A file can't be taken in or deleted. The message is one line and says what to do."""


class DownloadedModels:
    """The downloaded models.

    Args:
        suite: the suite's own models.
        folder: the models folder, laid out like LM Studio's. It need not exist.
        own: a folder of the user's, laid out in the same way, in which nothing is changed.
    """

    def __init__(self, suite: Catalog, folder: Path, own: Path | None = None) -> None:
        self.folder = folder
        self._suite = suite
        self._models_folder = ModelsFolder(folder)
        self._own = None if own is None else ModelsFolder(own)

    @property
    def catalog(self) -> Catalog:
        """All models, the suite's first."""
        suite = {model.path.lower() for model in self._suite.models}
        downloaded, own = self._listed()
        added = tuple(model for model in (*downloaded, *own) if model.path.lower() not in suite)
        return Catalog(models=(*self._suite.models, *added))

    def downloaded(self) -> list[CatalogModel]:
        """Return the models in the folder, those of the suite included, the oldest file first.

        The suite's models have their own keys here, but the files of the folder.
        """
        return self._listed()[0]

    def _listed(self) -> tuple[list[CatalogModel], list[CatalogModel]]:
        """Return the models in the models folder, and those that only the user's folder has."""
        suite = {model.path.lower(): model.key for model in self._suite.models}
        holders = {model.key: model.repository.lower() for model in self._suite.models}

        def with_keys(found: list[CatalogModel]) -> list[CatalogModel]:
            models: list[CatalogModel] = []
            for described in found:
                key = suite.get(described.path.lower()) or _free_key(described, holders)
                holders[key] = described.repository.lower()
                models.append(msgspec.structs.replace(described, key=key))
            return models

        downloaded = with_keys(self._models_folder.models())
        paths = {model.path.lower() for model in downloaded}
        own = [] if self._own is None else self._own.models()
        return downloaded, with_keys([each for each in own if each.path.lower() not in paths])

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
        downloaded, own = self._listed()
        found = Catalog(models=tuple(downloaded)).find(name)
        if len(found) == 1:
            return found[0]
        of_user = Catalog(models=tuple(own)).find(name)
        if not found and len(of_user) == 1:
            raise ModelsFolderError(f"{name!r} is a file of your own: delete {of_user[0].file}")
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
        """Delete the files of a model in the folder, and the folders that are empty without them.

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
            for part in all_parts(file):
                part.unlink(missing_ok=True)
        except OSError as error:
            raise ModelsFolderError(
                f"cannot delete {file} ({error.strerror}): make its folder writable"
            ) from None
        for folder in (file.parent, file.parent.parent):
            try:
                folder.rmdir()
            except OSError:  # other files are in there
                return


def _free_key(model: CatalogModel, holders: dict[str, str]) -> str:
    """Return a key that no model has yet: `name`, `name@quantization` or `publisher/name`.

    Args:
        model: a model whose key is still its path.
        holders: the repository, in lower case, of the model that has each key.
    """
    key = base_name(model.path).lower()
    if model.domain == "embedding":
        key = PREFIX + key.removeprefix(PREFIX)
    if key in holders and holders[key] != model.repository.lower():
        key = f"{model.publisher.lower()}/{key}"
    if key in holders and model.quantization is not None:
        key = f"{key}@{model.quantization.lower()}"
    return model.path if key in holders else key
