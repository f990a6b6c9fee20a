"""Which files answer for a model, and how large they are."""

from collections.abc import Iterable
from pathlib import Path

from model_fixtures import weights
from model_fixtures.catalog.models import CatalogModel


def answering_file(model: CatalogModel) -> Path | None:
    """Give the GGUF that answers for `model`; None when its weights are not in the cache yet."""
    if model.file is not None:
        return model.file
    return weights.cached(model.weights) if model.weights is not None else None


def projector_file(model: CatalogModel) -> Path | None:
    """Give the GGUF that lets `model` read images; None when it has none, or not there yet."""
    if model.projector is not None:
        return model.projector
    name = model.projector_weights
    return weights.cached(name) if name is not None else None


def needed_weights(models: Iterable[CatalogModel]) -> tuple[str, ...]:
    """Give the names of the weights that `models` answer with, each once, for `weights.ensure`."""
    return tuple(
        dict.fromkeys(
            name
            for model in models
            for name in (model.weights, model.projector_weights)
            if name is not None
        )
    )


def size_bytes(model: CatalogModel) -> int:
    """Give the bytes of the file that really answers, with its projector; 0 for a vanished file.

    For weights that are not in the cache it is the size that they will have there.
    """
    names = (model.weights, model.projector_weights)
    paths = (model.file, model.projector)
    return sum(weights.size(name) for name in names if name is not None) + sum(
        path.stat().st_size for path in paths if path is not None and path.is_file()
    )
