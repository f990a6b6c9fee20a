"""All routes with which tests control a server."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from model_fixtures.server.prediction.answer_without_channel import answerer
from model_fixtures.server.server_state import ServerState

from .scenario_routes import scenario_routes
from .turn_routes import turn_routes


def control_routes(state: ServerState) -> list[Route]:
    """Return the control routes; there are none unless the server was started with scenarios."""
    if state.scenarios is None:
        return []

    async def holdings(request: Request) -> JSONResponse:
        return JSONResponse(state.holdings())

    return [
        *scenario_routes(state.scenarios),
        *turn_routes(state.plugins, answerer(state)),
        Route("/control/holdings", holdings),
    ]
