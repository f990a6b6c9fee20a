"""The files that answer for a model, and their size."""

from collections.abc import Iterable
from pathlib import Path

from model_fixtures import weights

from .models import CatalogModel


def answering_file(model: CatalogModel) -> Path | None:
    """Return the GGUF that answers for `model`; None if its weights are not in the cache yet."""
    if model.file is not None:
        return model.file
    return weights.cached(model.weights) if model.weights is not None else None


def needed_weights(models: Iterable[CatalogModel]) -> tuple[str, ...]:
    """Return the names of the weights that answer for `models`, each once."""
    return tuple(dict.fromkeys(model.weights for model in models if model.weights is not None))


def size_bytes(model: CatalogModel) -> int:
    """Return the size in bytes of the files that answer for a model: weights and projector.

    Weights that are not in the cache count with the size that they will have there, and a user's
    file that has vanished counts as 0.
    """
    stand_in = 0 if model.weights is None else weights.size(model.weights)
    paths = (model.file, model.projector)
    return stand_in + sum(
        path.stat().st_size for path in paths if path is not None and path.is_file()
    )
