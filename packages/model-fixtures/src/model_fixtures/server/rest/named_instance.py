"""The instance that a request names, loaded just in time if necessary."""

from __future__ import annotations

from starlette.responses import Response

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


async def instance_or_refusal(
    state: ServerState, name: str, domain: str, asker: object
) -> LoadedInstance | Response:
    """Return the instance of a name, or the answer that says why there is none.

    Args:
        state: the server.
        name: an identifier or a key; empty means any loaded instance.
        domain: `llm` or `embedding`.
        asker: stands for the request until it uses the instance.
    """
    try:
        return await _instance(state, name, domain, asker)
    except (PathNotFoundError, NoModelMatchingError):
        return not_found(name)
    except ServerError as error:
        if name and not isinstance(error, CodedError):  # the model exists, but fails to load
            return failure(500, error.title, "model_not_loaded")
        return failure(400, error.title, "model_not_usable", "model")


async def _instance(state: ServerState, name: str, domain: str, asker: object) -> LoadedInstance:
    if not name:
        loaded = state.models.loaded.all(domain)
        if not loaded:
            raise ServerError("No model is loaded: name one")
        return loaded[0]
    listener = JitListener(lambda progress: None, lambda other: None, asker)
    return await state.models.jit.get_or_load(name, domain, listener=listener)
