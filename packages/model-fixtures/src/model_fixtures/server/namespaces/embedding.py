"""The `embedding` namespace: the shared model endpoints, and vectors."""

from __future__ import annotations

from model_fixtures.server.engine.embedding_vectors import embed
from model_fixtures.server.handlers.handler_context import Context
from model_fixtures.server.handlers.model_endpoints import add_model_endpoints
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.protocol.payloads import embedding as payloads

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
