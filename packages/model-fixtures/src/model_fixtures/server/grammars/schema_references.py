"""The references (`$ref`) inside a JSON schema: their targets, and which form circles."""

from __future__ import annotations

from typing import Any

from model_fixtures.schema_budget import Budget


class References:
    """The references of a schema."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._targets: dict[str, Any] = {}

    def target(self, reference: str) -> Any:
        """Return the target of a local reference; one that leads nowhere admits anything."""
        if reference not in self._targets:
            self._targets[reference] = self._resolve(reference)
        return self._targets[reference]

    def circles(self) -> frozenset[str]:
        """Return the references that lead back to themselves.

        Raises:
            TooLargeError: there are too many references.
        """
        budget = Budget()
        inside: dict[str, set[str]] = {}
        waiting = list(self._of(self._root, budget))
        while waiting:
            reference = waiting.pop()
            if reference not in inside:
                inside[reference] = self._of(self.target(reference), budget)
                waiting += inside[reference]
        found = set[str]()
        for reference, follow in inside.items():
            seen, rest = set[str](), list(follow)
            while rest and reference not in seen:
                one = rest.pop()
                budget.spend()
                if one not in seen:
                    seen.add(one)
                    rest += inside[one]
            if reference in seen:
                found.add(reference)
        return frozenset(found)

    @staticmethod
    def _of(schema: Any, budget: Budget) -> set[str]:
        """Return the references that a schema contains."""
        found = set[str]()
        waiting = [schema]
        while waiting:
            one = waiting.pop()
            budget.spend()
            if isinstance(one, dict):
                if isinstance(one.get("$ref"), str):
                    found.add(one["$ref"])
                else:
                    waiting += [part for key, part in one.items() if key not in ("$defs", "enum")]
            elif isinstance(one, list):
                waiting += one
        return found

    def _resolve(self, reference: str) -> Any:
        if reference == "#":
            return self._root
        if not reference.startswith("#/"):
            return {}
        target: Any = self._root
        for step in reference[2:].split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, dict) or key not in target:
                return {}
            target = target[key]
        return target
