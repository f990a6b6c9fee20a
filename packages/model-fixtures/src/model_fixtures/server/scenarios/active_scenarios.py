"""The scenarios of a server that are under way."""

from __future__ import annotations

import msgspec

from .faulty_connection import ActiveRules, FaultyConnection
from .scenario_rules import Scenario


class ActiveScenarios:
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
        """End a client's scenario, and return the rules that have not happened, as JSON."""
        pending = self.pending(client_identifier)
        active = self._active.pop(client_identifier, None)
        if active is not None:
            active.clear()  # connections that are still open have it
        return pending

    def connection(self, client_identifier: str, namespace: str) -> FaultyConnection | None:
        """Return the faults of a new connection, None when its client has no scenario."""
        active = self._active.get(client_identifier)
        return None if active is None else FaultyConnection(namespace, active)
