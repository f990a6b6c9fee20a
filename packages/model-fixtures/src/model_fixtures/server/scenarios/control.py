"""The control endpoint: scenarios come and go over HTTP."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .fault import ActiveRules, FaultyConnection
from .rules import Scenario


class Scenarios:
    """The scenarios of a server, by client identifier."""

    def __init__(self) -> None:
        self._active: dict[str, ActiveRules] = {}

    def start(self, scenario: Scenario) -> None:
        """Begins a scenario; one that the client already has ends."""
        self.end(scenario.client_identifier)
        self._active[scenario.client_identifier] = ActiveRules(scenario.rules)

    def end(self, client_identifier: str) -> list[str]:
        """Ends a client's scenario; gives what has not happened, as JSON."""
        active = self._active.pop(client_identifier, None)
        if active is None:
            return []
        pending = [msgspec.json.encode(rule).decode() for rule in active.rules]
        active.clear()  # connections that are still open have it
        return pending

    def connection(self, client_identifier: str, namespace: str) -> FaultyConnection | None:
        """A new connection of a client, None when the client has no scenario."""
        active = self._active.get(client_identifier)
        return None if active is None else FaultyConnection(namespace, active)

    def routes(self) -> list[Route]:
        """`POST /control/scenarios` starts one, `DELETE /control/scenarios/CLIENT` ends it."""

        async def start(request: Request) -> Response:
            try:
                scenario = msgspec.json.decode(await request.body(), type=Scenario)
            except msgspec.DecodeError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
            self.start(scenario)
            return JSONResponse({"rules": len(scenario.rules)})

        async def end(request: Request) -> Response:
            return JSONResponse({"pending": self.end(request.path_params["client"])})

        return [
            Route("/control/scenarios", start, methods=["POST"]),
            Route("/control/scenarios/{client:path}", end, methods=["DELETE"]),
        ]
