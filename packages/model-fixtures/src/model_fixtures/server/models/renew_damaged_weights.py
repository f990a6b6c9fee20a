"""Weights of stand-ins that are damaged in the cache although their size is right."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from model_fixtures.catalog import CatalogModel
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.weights import WeightsError, cached, ensure

logger = logging.getLogger("model_fixtures.server")


def renew_damaged(models: Sequence[CatalogModel | None]) -> bool:
    """Fetch the damaged weights of stand-ins again, and return whether any were damaged.

    Raises:
        ServerError: weights are damaged and can't be fetched.
    """
    renewed = False
    for model in models:
        if model is None or model.weights is None or cached(model.weights, verify=True):
            continue
        logger.warning("the weights of %s are damaged and are fetched again", model.key)
        try:
            ensure([model.weights], verify=True)
        except WeightsError as error:
            raise ServerError(f"The weights of {model.key} are damaged: {error}") from error
        renewed = True
    return renewed
