"""Weights of stand-ins that are damaged in the cache, with the size that they should have."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from model_fixtures.catalog import CatalogModel
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.weights import WeightsError, cached, ensure

logger = logging.getLogger("model_fixtures.server")


def renew_damaged(models: Sequence[CatalogModel | None]) -> bool:
    """Get the damaged weights of stand-ins among the models anew; give whether there were any.

    Raises:
        ServerError: they are damaged and can't be had anew.
    """
    renewed = False
    for model in models:
        if model is None or model.weights is None or cached(model.weights, verify=True):
            continue
        logger.warning("the weights of %s are damaged and are got anew", model.key)
        try:
            ensure([model.weights], verify=True)
        except WeightsError as error:
            raise ServerError(f"The weights of {model.key} are damaged: {error}") from error
        renewed = True
    return renewed
