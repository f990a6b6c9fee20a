"""The `embedding` namespace: the shared model endpoints, and vectors."""

from __future__ import annotations

from typing import Any

from model_fixtures.server.engine.embedding_vectors import embed
from model_fixtures.server.handlers.handler_context import Context
from model_fixtures.server.handlers.model_endpoints import add_model_endpoints
from model_fixtures.server.protocol import kv_config
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.protocol.payloads import embedding as payloads
from model_fixtures.server.protocol.payloads.models import BasePredictionConfig

namespace = Namespace("embedding")
add_model_endpoints(namespace, "embedding")


@namespace.rpc("embedString", payloads.EmbedString)
async def embed_string(context: Context, request: payloads.EmbedString) -> dict[str, list[float]]:
    """Return the L2-normalized vector of one string."""
    instance = context.models.loaded.find(request.model_specifier, "embedding")
    with context.models.loaded.using(instance, context.client):
        vector = await embed(
            instance.llama,
            request.input_string,
            stand_in=instance.model.stand_in,
            context=instance.context_length,
        )
    return {"embedding": vector}


@namespace.rpc("getBasePredictionConfig", BasePredictionConfig)
async def get_base_prediction_config(
    context: Context, request: BasePredictionConfig
) -> dict[str, Any]:
    """Return no settings: an embedding has none."""
    context.models.loaded.find(request.specifier, "embedding")
    return kv_config.to_wire({})
