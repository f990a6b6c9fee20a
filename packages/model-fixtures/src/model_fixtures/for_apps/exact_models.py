"""The test models that a test asks for, loaded as it expects them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from model_fixtures.catalog import Catalog, CatalogModel, needed_weights, read_catalog
from model_fixtures.host_models import HostInstance, load_exactly
from model_fixtures.weights import OnProgress, ensure
from model_fixtures.wire_client import Credentials

from .errors import ModelNameError
from .host import Host
from .in_thread import run_in_thread
from .server_options import ServerOptions
from .suggestions import unknown


class ExactModels:
    """Keeps exactly the models loaded that were asked for last.

    Args:
        host: returns the host, once it is needed.
        options: how the host was started, which says what the test models are.
        own: whether the host is a server that nobody else uses. Its missing weights are fetched and
            made, and all other models are unloaded. On another host, models that are none of the
            test models stay, and nothing is downloaded.
        on_progress: called while weights are fetched or made.
    """

    def __init__(
        self,
        host: Callable[[], Host],
        options: ServerOptions,
        *,
        own: bool,
        on_progress: OnProgress | None = None,
    ) -> None:
        self._host = host
        self._options = options
        self._own = own
        self._on_progress = on_progress
        self._references: set[str] | None = None  # of the instances that this object has loaded

    def choose(self, keys: Sequence[str]) -> list[CatalogModel]:
        """Return the test models with these keys, without keys all required ones.

        Raises:
            ModelNameError: no test model has a key.
            CatalogError: the user's changes to the catalog make no sense.
        """
        return _choose(self._catalog(), keys)

    def load(self, keys: Sequence[str] | None) -> tuple[str, ...]:
        """Have exactly these models loaded under their keys, and return the keys.

        Args:
            keys: the models' keys. An empty sequence means all required models, None no model.

        Raises:
            ModelFixturesError: there is no such model, it cannot be fetched or loaded, or the host
                does not answer.
        """
        catalog = self._catalog()
        models = [] if keys is None else _choose(catalog, keys)
        host = self._host()
        if self._own:
            ensure(needed_weights(models), self._on_progress)
        instances = run_in_thread(
            partial(
                load_exactly,
                host,
                models,
                catalog,
                credentials=None if host.token is None else Credentials.from_token(host.token),
                alone=self._own,
                trusts=self._trusts,
            )
        )
        references = {each.instance_reference for each in instances}
        self._references = (self._references or set()) | {each for each in references if each}
        return tuple(model.key for model in models)

    def _trusts(self, instance: HostInstance) -> bool:
        """Return whether an instance that looks right was loaded here, or before this run.

        A test may have loaded one under the same identifier with settings that lists do not show.
        """
        if self._references is None:
            return not self._own
        return instance.instance_reference in (None, *self._references)

    def _catalog(self) -> Catalog:
        return read_catalog(self._options.environ())


def _choose(catalog: Catalog, keys: Sequence[str]) -> list[CatalogModel]:
    if not keys:
        return list(catalog.required)
    by_key = {model.key: model for model in catalog.models}
    for key in keys:
        if key not in by_key:
            raise ModelNameError(unknown("test model", key, by_key))
    return [by_key[key] for key in dict.fromkeys(keys)]
