"""The files that answer for a model, and their size."""

import re
from collections.abc import Iterable
from pathlib import Path

from model_fixtures import weights

from .models import CatalogModel

PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")  # how llama.cpp names the parts of a split model


def answering_file(model: CatalogModel) -> Path | None:
    """Return the GGUF that answers for `model`; None if its weights are not in the cache yet."""
    if model.file is not None:
        return model.file
    return weights.cached(model.weights) if model.weights is not None else None


def is_later_part(file: Path) -> bool:
    """Return whether a file is a part of a model, but not its first, which llama.cpp is given."""
    part = PART.search(file.name)
    return part is not None and int(part[1]) != 1


def all_parts(file: Path) -> list[Path]:
    """Return the files of a model whose first is `file`; most models are one file."""
    part = PART.search(file.name)
    if part is None:
        return [file]
    start = file.name[: part.start()]
    names = (f"{start}-{number:05}-of-{part[2]}.gguf" for number in range(1, int(part[2]) + 1))
    return [file.with_name(name) for name in names]


def needed_weights(models: Iterable[CatalogModel]) -> tuple[str, ...]:
    """Return the names of the weights that answer for `models`, each once."""
    return tuple(dict.fromkeys(model.weights for model in models if model.weights is not None))


def size_bytes(model: CatalogModel) -> int:
    """Return the size in bytes of the files that answer for a model: weights and projector.

    Weights that are not in the cache count with the size that they will have there, and a user's
    file that has vanished counts as 0.
    """
    stand_in = 0 if model.weights is None else weights.size(model.weights)
    paths = [] if model.file is None else all_parts(model.file)
    if model.projector is not None:
        paths.append(model.projector)
    return stand_in + sum(path.stat().st_size for path in paths if path.is_file())
