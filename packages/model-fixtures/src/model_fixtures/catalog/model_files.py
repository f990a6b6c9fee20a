"""Which files answer for a model, and how large they are."""

from collections.abc import Iterable
from pathlib import Path

from model_fixtures import weights

from .models import CatalogModel


def answering_file(model: CatalogModel) -> Path | None:
    """Give the GGUF that answers for `model`; None when its weights are not in the cache yet."""
    if model.file is not None:
        return model.file
    return weights.cached(model.weights) if model.weights is not None else None


def needed_weights(models: Iterable[CatalogModel]) -> tuple[str, ...]:
    """Give the names of the weights that `models` answer with, each once, for `weights.ensure`."""
    return tuple(dict.fromkeys(model.weights for model in models if model.weights is not None))


def size_bytes(model: CatalogModel) -> int:
    """Give the bytes of the file that really answers, with its projector; 0 for a vanished file.

    For weights that are not in the cache it is the size that they will have there.
    """
    stand_in = 0 if model.weights is None else weights.size(model.weights)
    paths = (model.file, model.projector)
    return stand_in + sum(
        path.stat().st_size for path in paths if path is not None and path.is_file()
    )
