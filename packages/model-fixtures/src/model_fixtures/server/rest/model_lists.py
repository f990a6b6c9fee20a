"""Lists of models: `/v1/models` in OpenAI's shape, `/api/v0/models` in LM Studio's."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from model_fixtures.catalog import CatalogModel
from model_fixtures.server.models.loaded_instance import LoadedInstance
from model_fixtures.server.server_state import ServerState

from .error_responses import not_found


async def openai_models(request: Request) -> Response:
    """Return all downloaded models and loaded instances: each can be named in a request."""
    state: ServerState = request.app.state.server
    return JSONResponse({"object": "list", "data": [_openai(name) for name in await _names(state)]})


async def openai_model(request: Request) -> Response:
    """Return one downloaded model or loaded instance."""
    state: ServerState = request.app.state.server
    name = request.path_params["name"]
    return JSONResponse(_openai(name)) if name in await _names(state) else not_found(name)


async def lmstudio_models(request: Request) -> Response:
    """Return all downloaded models and loaded instances, with their state."""
    state: ServerState = request.app.state.server
    return JSONResponse({"object": "list", "data": await _lmstudio(state)})


async def lmstudio_model(request: Request) -> Response:
    """Return one downloaded model or loaded instance, with its state."""
    state: ServerState = request.app.state.server
    name = request.path_params["name"]
    for entry in await _lmstudio(state):
        if entry["id"] == name:
            return JSONResponse(entry)
    return not_found(name)


async def _names(state: ServerState) -> list[str]:
    keys = [model.key for model in (await state.models.downloaded.catalog()).models]
    loaded = [instance.identifier for instance in state.models.loaded.all()]
    return list(dict.fromkeys([*loaded, *keys]))


def _openai(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "owned_by": "organization_owner"}


async def _lmstudio(state: ServerState) -> list[dict[str, Any]]:
    catalog = await state.models.downloaded.catalog()
    loaded = state.models.loaded.all()
    entries = [_entry(instance.model, instance.identifier, instance) for instance in loaded]
    running = {instance.model.key for instance in loaded}
    for model in catalog.models:
        if model.key not in running:
            entries.append(_entry(model, model.key, None))
    return entries


def _entry(model: CatalogModel, name: str, instance: LoadedInstance | None) -> dict[str, Any]:
    kind = "embeddings" if model.domain == "embedding" else "vlm" if model.vision else "llm"
    entry: dict[str, Any] = {
        "id": name,
        "object": "model",
        "type": kind,
        "publisher": model.publisher,
        "arch": model.architecture or "unknown",
        "compatibility_type": "gguf",
        "quantization": model.quantization or "unknown",
        "state": "not-loaded" if instance is None else "loaded",
        "max_context_length": model.max_context_length,
    }
    if instance is not None:
        entry["loaded_context_length"] = instance.context_length
    return entry
