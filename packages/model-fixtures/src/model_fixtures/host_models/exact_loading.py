"""Having exactly some models loaded on a host, whatever happened there before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from model_fixtures.catalog import Catalog, CatalogModel
from model_fixtures.wire_client import Credentials

from .errors import HostModelError
from .host_session import HostInstance, open_host_session
from .loading import load_models, missing_problem
from .model_status import difference, is_of_suite

Trusts = Callable[[HostInstance], bool]


async def load_exactly(
    address: str,
    models: Sequence[CatalogModel],
    catalog: Catalog,
    *,
    credentials: Credentials | None = None,
    alone: bool = False,
    trusts: Trusts = lambda _instance: True,
) -> tuple[HostInstance, ...]:
    """Load models under their keys with the suite's configuration, and unload all others.

    Instances that are loaded like that already stay.

    Args:
        address: `host:port`.
        models: the models to load, some of those of the catalog.
        catalog: all models of the suite.
        credentials: the identity; by default that of `LMSTUDIO_API_TOKEN`, else a guest.
        alone: whether nobody else uses the host, so that all other instances are unloaded, and not
            only those of the suite's models.
        trusts: says of an instance that looks right whether it is; one that is not is loaded anew.

    Returns:
        The instances of `models`, in that order.

    Raises:
        WireError: the connection to the host failed.
        HostModelError: models are missing on the host, or it could not load them.
    """
    async with open_host_session(address, credentials) as session:
        loaded = (await session.inventory()).loaded
        kept = _right_ones(models, loaded, trusts)
        surplus = [
            each
            for each in loaded
            if each not in kept.values() and (alone or is_of_suite(each, catalog))
        ]
        absent = [model for model in models if model.key not in kept]
        if not surplus and not absent:
            return tuple(kept[model.key] for model in models)
        for instance in surplus:
            await session.unload(instance)
        inventory = await session.inventory()
        failed, missing = await load_models(session, inventory, absent)
        problems = [*failed.values(), *filter(None, [missing_problem(address, missing)])]
        if problems:
            raise HostModelError("; ".join(problems))
        kept = _right_ones(models, (await session.inventory()).loaded, lambda _instance: True)
    gone = [model.key for model in models if model.key not in kept]
    if gone:
        raise HostModelError(
            f"{address} has unloaded {', '.join(gone)} at once: does another run use it, too?"
        )
    return tuple(kept[model.key] for model in models)


def _right_ones(
    models: Sequence[CatalogModel], loaded: Collection[HostInstance], trusts: Trusts
) -> dict[str, HostInstance]:
    """Return the instances that are loaded as the suite expects, by the model's key."""
    return {
        model.key: each
        for model in models
        for each in loaded
        if each.identifier == model.key
        and model.is_listed_as(each.model_key, each.path)
        and difference(each, model) is None
        and trusts(each)
    }
