"""The control endpoint: scenarios come and go over HTTP."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from model_fixtures.server.scenarios.faulty_connection import ActiveRules, FaultyConnection
from model_fixtures.server.scenarios.scenario_rules import Scenario


class Scenarios:
    """The scenarios of a server, by client identifier."""

    def __init__(self) -> None:
        self._active: dict[str, ActiveRules] = {}

    def start(self, scenario: Scenario) -> None:
        """Begin a scenario; one that the client already has ends."""
        self.end(scenario.client_identifier)
        self._active[scenario.client_identifier] = ActiveRules(scenario.rules)

    def pending(self, client_identifier: str) -> list[str]:
        """Return the rules of a client that have not happened yet, as JSON."""
        active = self._active.get(client_identifier)
        return [] if active is None else [msgspec.json.encode(r).decode() for r in active.rules]

    def end(self, client_identifier: str) -> list[str]:
        """End a client's scenario; gives what has not happened, as JSON."""
        pending = self.pending(client_identifier)
        active = self._active.pop(client_identifier, None)
        if active is not None:
            active.clear()  # connections that are still open have it
        return pending

    def connection(self, client_identifier: str, namespace: str) -> FaultyConnection | None:
        """Return a new connection of a client, None when the client has no scenario."""
        active = self._active.get(client_identifier)
        return None if active is None else FaultyConnection(namespace, active)

    def routes(self) -> list[Route]:
        """`POST /control/scenarios` starts one; at its own path `GET` looks, `DELETE` ends."""

        async def start(request: Request) -> Response:
            try:
                scenario = msgspec.json.decode(await request.body(), type=Scenario)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                return JSONResponse({"error": str(error)}, status_code=400)
            self.start(scenario)
            return JSONResponse({"rules": len(scenario.rules)})

        async def one(request: Request) -> Response:
            pending = self.end if request.method == "DELETE" else self.pending
            return JSONResponse({"pending": pending(request.path_params["client"])})

        return [
            Route("/control/scenarios", start, methods=["POST"]),
            Route("/control/scenarios/{client:path}", one, methods=["GET", "DELETE"]),
        ]
