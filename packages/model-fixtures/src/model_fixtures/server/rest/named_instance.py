"""The instance that a request names, loaded just in time if necessary."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from starlette.responses import Response

from model_fixtures.server.client_errors import ExhaustedError
from model_fixtures.server.models.jit_load_under_way import JitListener
from model_fixtures.server.models.loaded_instance import LoadedInstance
from model_fixtures.server.protocol.errors import (
    CodedError,
    NoModelMatchingError,
    PathNotFoundError,
    ServerError,
)
from model_fixtures.server.server_state import ServerState

from .error_responses import failure, not_found


async def hold_instance(
    state: ServerState, body: dict[str, Any], domain: str, use: AsyncExitStack
) -> LoadedInstance | Response:
    """Return the instance that a request names, or the answer that says why there is none.

    Args:
        state: the server.
        body: the request; its `model` is an identifier or a key, empty means any loaded instance,
            and its `ttl` is for a model that is loaded now.
        domain: `llm` or `embedding`.
        use: counts the request on the instance until it is left.
    """
    name = body.get("model") or ""
    asker = object()  # stands for the request until it uses the instance
    try:
        instance = await _instance(state, name, domain, asker, body.get("ttl"))
    except (PathNotFoundError, NoModelMatchingError):
        return not_found(name)
    except ExhaustedError:
        raise
    except ServerError as error:
        if name and not isinstance(error, CodedError):  # the model exists, but fails to load
            return failure(500, error.title, "model_not_loaded")
        return failure(400, error.title, "model_not_usable", "model")
    use.enter_context(state.models.loaded.using(instance, asker))
    return instance


async def _instance(
    state: ServerState, name: str, domain: str, asker: object, ttl: float | None
) -> LoadedInstance:
    if not name:
        loaded = state.models.loaded.all(domain)
        if not loaded:
            raise ServerError("No model is loaded: name one")
        return loaded[0]
    listener = JitListener(lambda progress: None, lambda other: None, asker)
    return await state.models.jit.get_or_load(name, domain, ttl=ttl, listener=listener)
