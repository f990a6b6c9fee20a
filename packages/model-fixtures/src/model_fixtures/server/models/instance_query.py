"""Finding loaded instances by a client's query."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from model_fixtures.catalog.models import CatalogModel, is_full_name, is_leading_part
from model_fixtures.server.protocol.payloads.models import ModelQuery

from .loaded_instance import LoadedInstance


def matching(query: ModelQuery, instances: Sequence[LoadedInstance]) -> list[LoadedInstance]:
    """Return the instances for which all conditions of a query hold.

    A query's identifier means the instances with exactly that identifier. If there are none, it
    means those whose model has it as its key, and else those whose model has it as a name with a
    publisher, such as `hugging-quants/llama-3.2-1b-instruct`.
    """
    found = [
        instance
        for instance in instances
        if (query.domain in (UNSET, instance.model.domain))
        and (query.vision is UNSET or query.vision == instance.model.vision)
        and (query.path is UNSET or path_matches(instance.model.path, query.path))
    ]
    if query.identifier is UNSET:
        return found
    name = query.identifier
    exact = [instance for instance in found if instance.identifier == name]
    by_key = [instance for instance in found if instance.model.key == name]
    by_path = [instance for instance in found if names_model(instance.model, name)]
    return exact or by_key or by_path


def path_matches(path: str, wanted: str) -> bool:
    """Return whether a query's path is a model's whole path or its `publisher/repo`."""
    return wanted in (path, path.rpartition("/")[0])


def names_model(model: CatalogModel, name: str) -> bool:
    """Return whether a name with a publisher means a model, by the rules of the catalog."""
    return is_full_name(model, name) or is_leading_part(model, name)
