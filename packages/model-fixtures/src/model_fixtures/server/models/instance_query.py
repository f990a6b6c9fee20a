"""Finding loaded instances by a client's query."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

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
        if query.device_identifier in (UNSET, None)
        and (query.domain in (UNSET, instance.model.domain))
        and (query.vision is UNSET or query.vision == instance.model.vision)
        and (query.path is UNSET or instance.model.is_at(query.path))
    ]
    if query.identifier is UNSET:
        return found
    name = query.identifier
    exact = [instance for instance in found if instance.identifier == name]
    by_key = [instance for instance in found if instance.model.key == name]
    by_path = [instance for instance in found if instance.model.has_name(name)]
    return exact or by_key or by_path
