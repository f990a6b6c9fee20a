"""`/control/scenarios`: tests start scenarios, look at them and end them."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from model_fixtures.server.scenarios.active_scenarios import ActiveScenarios
from model_fixtures.server.scenarios.scenario_rules import Scenario


def scenario_routes(scenarios: ActiveScenarios) -> list[Route]:
    """Return the routes: `POST` starts a scenario; at its own path `GET` looks, `DELETE` ends."""

    async def start(request: Request) -> Response:
        try:
            scenario = msgspec.json.decode(await request.body(), type=Scenario)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        scenarios.start(scenario)
        return JSONResponse({"rules": len(scenario.rules)})

    async def one(request: Request) -> Response:
        pending = scenarios.end if request.method == "DELETE" else scenarios.pending
        return JSONResponse({"pending": pending(request.path_params["client"])})

    return [
        Route("/control/scenarios", start, methods=["POST"]),
        Route("/control/scenarios/{client:path}", one, methods=["GET", "DELETE"]),
    ]
