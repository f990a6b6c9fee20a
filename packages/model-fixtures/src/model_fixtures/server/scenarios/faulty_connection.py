"""A scenario applied to one connection, without I/O: frames go in, and steps come out."""

from __future__ import annotations

import json
from typing import Any, Union

from msgspec import UNSET, Struct

from .scenario_rules import Close, Delay, Drop, Fail, Insert, Replace, ScenarioRule, Stall


class SendFrame(Struct, frozen=True):
    """A frame to send."""

    frame: bytes


class Wait(Struct, frozen=True):
    """A wait before the next step, in seconds; None = for ever."""

    seconds: float | None


class CloseSocket(Struct, frozen=True):
    """The end of the connection."""

    code: int
    reason: str


Step = Union[SendFrame, Wait, CloseSocket]  # noqa: UP007


class ActiveRules:
    """The rules of a client that have not happened yet."""

    def __init__(self, rules: list[ScenarioRule]) -> None:
        self.rules = list(rules)
        self.seen = [0] * len(rules)

    def next_fault(self, **facts: object) -> ScenarioRule | None:
        """Return the first rule that fits a message, and use it up; None if none fits."""
        for index, rule in enumerate(self.rules):
            if not _fits(rule, facts):
                continue
            self.seen[index] += 1
            if self.seen[index] == rule.when.nth:
                del self.rules[index], self.seen[index]
                return rule
        return None

    def add(self, rule: ScenarioRule) -> None:
        """Add a rule behind the others."""
        self.seen.append(0)
        self.rules.append(rule)

    def clear(self) -> None:
        """Drop all rules."""
        self.rules.clear()
        self.seen.clear()


class FaultyConnection:
    """One connection of a client that has a scenario."""

    def __init__(self, namespace: str, active: ActiveRules) -> None:
        self._namespace = namespace
        self._active = active
        self._endpoints: dict[tuple[str, Any], str] = {}

    def inbound(self, frame: str | bytes) -> None:
        """Note which endpoint the id in a client's message belongs to."""
        try:
            message = json.loads(frame)
        except ValueError:
            return
        match message:
            case {"type": "rpcCall", "endpoint": str(endpoint), "callId": number}:
                self._endpoints["callId", number] = endpoint
            case {"type": "channelCreate", "endpoint": str(endpoint), "channelId": number}:
                self._endpoints["channelId", number] = endpoint

    def outbound(self, frame: bytes) -> list[Step]:
        """Return the steps that are taken instead of just sending a frame."""
        message = json.loads(frame)
        key = next((name for name in ("callId", "channelId") if name in message), None)
        packet = message.get("message")
        rule = self._active.next_fault(
            namespace=self._namespace,
            type=message.get("type", "authentication"),
            endpoint=self._endpoints.get((key, message[key])) if key else None,
            packet=packet.get("type") if isinstance(packet, dict) else None,
        )
        plain = SendFrame(frame)
        if rule is None:
            return [plain]
        then = rule.then
        if isinstance(then, Delay):
            return [Wait(then.seconds), plain]
        if isinstance(then, Drop):
            return []
        if isinstance(then, Stall):
            return [Wait(None)]
        if isinstance(then, Close):
            return [CloseSocket(then.code, then.reason)]
        number = message[key] if key else None
        if isinstance(then, Replace):
            return [SendFrame(_with_id(then.frame, number))]
        if isinstance(then, Insert):
            inserted = [SendFrame(_with_id(json.dumps(one), number)) for one in then.messages]
            return [*inserted, plain]
        return [SendFrame(_failure(then, message, key))]


def _fits(rule: ScenarioRule, facts: dict[str, object]) -> bool:
    return all(getattr(rule.when, name) in (UNSET, fact) for name, fact in facts.items())


def _with_id(frame: str, number: object) -> bytes:
    return frame.replace('"$id"', json.dumps(number)).encode()


def _failure(fail: Fail, message: dict[str, Any], key: str | None) -> bytes:
    kind = {"callId": "rpcError", "channelId": "channelError", None: "communicationWarning"}[key]
    failure: dict[str, Any] = {"type": kind, "error": fail.error}
    if key is not None:
        failure[key] = message[key]
    return json.dumps(failure).encode()
