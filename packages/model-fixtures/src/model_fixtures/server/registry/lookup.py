"""Finding loaded instances by what clients say."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from model_fixtures.server.protocol.models import ModelQuery

from .instance import Instance


def matching(query: ModelQuery, instances: Sequence[Instance]) -> list[Instance]:
    """The instances for which all conditions of a query hold, the best match first.

    An identifier may be exact, the model's key, or a leading part of its path
    (`hugging-quants/llama-3.2-1b-instruct`), the last without regard to case.
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
    by_path = [
        instance
        for instance in found
        if names_model(instance.model.path, instance.model.publisher, instance.model.key, name)
    ]
    return exact or by_key or by_path


def path_matches(path: str, wanted: str) -> bool:
    """Whether a query's path is a model's whole path or its `publisher/repo`."""
    return wanted in (path, path.rpartition("/")[0])


def names_model(path: str, publisher: str, key: str, name: str) -> bool:
    """Whether a name with a publisher means the model: its path, a leading part of it, its key.

    An embedding model's key has a prefix that a name like
    `nomic-ai/nomic-embed-text-v1.5` lacks.
    """
    name, path = name.lower(), path.lower()
    bare = key.lower().removeprefix("text-embedding-")
    if name in (path, f"{publisher.lower()}/{key.lower()}", f"{publisher.lower()}/{bare}"):
        return True
    if "/" not in name or not path.startswith(name):
        return False
    # 'publisher/llama-3' must not mean 'publisher/llama-30b'.
    return not path[len(name) :][:1].isalnum()
