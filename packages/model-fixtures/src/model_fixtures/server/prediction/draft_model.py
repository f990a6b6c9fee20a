"""Speculative decoding: which draft model a prediction asks for."""

from __future__ import annotations

from model_fixtures.catalog import CatalogModel
from model_fixtures.server.handlers.handler_context import Context
from model_fixtures.server.protocol.errors import ServerError


async def draft_model(context: Context, key: str) -> CatalogModel:
    """Return the downloaded model that is to draft tokens.

    Raises:
        ServerError: there is no such model.
    """
    found = (await context.models.downloaded.catalog()).find(key, "llm")
    if not found:
        raise ServerError(f'Cannot find model "{key}"')
    return found[0]
