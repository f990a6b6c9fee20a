"""Faults on purpose, on a host that stands in front of the real one for one test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from model_fixtures.server.scenarios import scenario_rules as rules

from .endpoint_names import AUTHENTICATION, ENDS, check_packet, split_endpoint
from .errors import FaultError
from .faulty_proxy import FaultyProxy, can_be_sent
from .host import Host

_REASON_BYTES = 123


class _Ordered(Struct):
    rule: rules.ScenarioRule
    text: str  # for messages


class Faults:
    """Faults for clients of `host`, which stands in front of the server.

    Each method orders one fault, which happens once: at a message from the host to any client of
    `host`. `endpoint` is the call or channel that the message belongs to, such as "predict" or
    "llm.predict", or "authentication" for the answer to a connection's first frame. `packet` is the
    type of a packet on a channel, such as "fragment", or how a call or channel ends: "rpcResult",
    "rpcError", "channelClose", "channelError"; without it, the first message of the endpoint is
    meant. `nth` counts the messages that fit, from 1.

    Unknown names raise `FaultError`, and the test fails if a fault has not happened at its end.
    """

    def __init__(self, proxy: FaultyProxy) -> None:
        self._proxy = proxy
        self._ordered: list[_Ordered] = []
        self._defaults = ExitStack()

    @property
    def host(self) -> Host:
        """The `host:port` where the faults happen: clients of it reach the server through it."""
        return self._proxy.host

    def close(
        self,
        endpoint: str,
        packet: str | None = None,
        *,
        nth: int = 1,
        code: int = 1011,
        reason: str = "",
    ) -> None:
        """Close the connection instead of sending the message.

        Args:
            endpoint: the call or channel, such as "predict".
            packet: the type of a packet, or how the call or channel ends; None = any message.
            nth: which of the messages that fit, from 1.
            code: the websocket's close code.
            reason: the reason that the client gets.
        """
        _check_close(code, reason)
        self._order("close", rules.Close(code, reason), endpoint, packet, nth)

    def drop(self, endpoint: str, packet: str | None = None, *, nth: int = 1) -> None:
        """Leave the message out; the arguments are those of `close`."""
        self._order("drop", rules.Drop(), endpoint, packet, nth)

    def delay(
        self, endpoint: str, packet: str | None = None, *, seconds: float, nth: int = 1
    ) -> None:
        """Send the message, and all after it on its connection, so many seconds later."""
        if not _is(seconds, (int, float)) or not 0 <= seconds < float("inf"):
            raise FaultError(f"a delay of {seconds!r} seconds: write 0 or more, or use stall()")
        self._order("delay", rules.Delay(seconds), endpoint, packet, nth)

    def replace(
        self,
        endpoint: str,
        packet: str | None = None,
        *,
        frame: str | Mapping[str, Any],
        nth: int = 1,
    ) -> None:
        """Send another frame instead: an object as JSON, or a text, which need not be JSON.

        "$id" in it is the id of the message's call or channel.
        """
        if not _is(frame, (str, Mapping)):
            raise FaultError(f"frame is {frame!r}: write a text, or a dict for JSON")
        text = frame if isinstance(frame, str) else json.dumps(dict(frame))
        self._order("replace", rules.Replace(text), endpoint, packet, nth)

    def insert(
        self,
        endpoint: str,
        packet: str | None = None,
        *,
        messages: list[dict[str, Any]],
        nth: int = 1,
    ) -> None:
        """Send other messages before it; "$id" in them is the id of its call or channel."""
        self._order("insert", rules.Insert(messages), endpoint, packet, nth)

    def stall(self, endpoint: str, packet: str | None = None, *, nth: int = 1) -> None:
        """Send nothing more on the connection, from this message on; it stays open."""
        self._order("stall", rules.Stall(), endpoint, packet, nth)

    def fail(
        self, endpoint: str, packet: str | None = None, *, error: Mapping[str, Any], nth: int = 1
    ) -> None:
        """End the call or channel with an error instead.

        Args:
            endpoint: the call or channel.
            packet: as for `close`.
            error: the error as LM Studio sends it: an object with a "title".
            nth: which of the messages that fit, from 1.
        """
        if not _is(error, Mapping) or not _is(error.get("title"), str):
            raise FaultError(f'error is {error!r}: write a dict with a "title", as LM Studio does')
        self._order("fail", rules.Fail(dict(error)), endpoint, packet, nth)

    @property
    def pending(self) -> list[str]:
        """The faults that have not happened yet, each in words."""
        left = self._proxy.pending()
        return [each.text for each in self._ordered if any(each.rule is rule for rule in left)]

    def use_as_default(self) -> None:
        """Make `host` the one that `lmstudio.Client()` finds, until the end of the test.

        `Host.as_default` says what changes.
        """
        self._defaults.enter_context(self.host.as_default())

    def check(self) -> None:
        """Raise an error if a fault has not happened.

        Raises:
            FaultError: it names these faults.
        """
        pending = self.pending
        if pending:
            raise FaultError(f"these faults have not happened: {', '.join(pending)}")

    def end(self) -> None:
        """Undo `use_as_default`."""
        self._defaults.close()

    def _order(
        self, what: str, fault: rules.Fault, endpoint: str, packet: str | None, nth: int
    ) -> None:
        if not _is(nth, int) or nth < 1:
            raise FaultError(f"nth is {nth!r}: it is a whole number that counts from 1")
        for name, value in (("endpoint", endpoint), ("packet", packet or "")):
            if not _is(value, str):
                raise FaultError(f"{name} is {value!r}: write a text")
        rule = _checked(rules.ScenarioRule(_condition(endpoint, packet, nth), fault))
        words = [what, "at", endpoint, *([packet] if packet else []), *([f"({nth})"] * (nth > 1))]
        self._ordered.append(_Ordered(rule, " ".join(words)))
        self._proxy.order(rule)


def _is(value: object, kind: type | tuple[type, ...]) -> bool:
    """Return whether a value is of a kind, for arguments of callers without a type checker."""
    return isinstance(value, kind)


def _checked(rule: rules.ScenarioRule) -> rules.ScenarioRule:
    """Return an equal rule; raise an error if it can't be sent as JSON with the right types.

    A wrong rule would break the connection when it strikes, as if that were the fault.
    """
    try:
        return msgspec.json.decode(msgspec.json.encode(rule), type=rules.ScenarioRule)
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise FaultError(f"this fault can't be sent: {error}") from None


def _check_close(code: int, reason: str) -> None:
    """Refuse what a websocket's close frame can't carry (RFC 6455, sections 5.5 and 7.4)."""
    if not _is(code, int) or not can_be_sent(code):
        raise FaultError(f"close code {code!r}: write 1000 to 1003, 1007 to 1014 or 3000 to 4999")
    if not _is(reason, str) or len(reason.encode()) > _REASON_BYTES:
        raise FaultError(f"the reason of a close is a text of at most {_REASON_BYTES} bytes")


def _condition(endpoint: str, packet: str | None, nth: int) -> rules.MessageCondition:
    if endpoint == AUTHENTICATION:
        if packet is not None:
            raise FaultError(f"{AUTHENTICATION} has no packets: leave {packet!r} out")
        return rules.MessageCondition(type=AUTHENTICATION, nth=nth)
    namespace, name = split_endpoint(endpoint)
    if packet is not None:
        check_packet(endpoint, packet)
    is_end = packet in ENDS
    return rules.MessageCondition(
        namespace=UNSET if namespace is None else namespace,
        endpoint=name,
        type=packet if packet is not None and is_end else UNSET,
        packet=packet if packet is not None and not is_end else UNSET,
        nth=nth,
    )


@contextmanager
def open_faults(host: Host) -> Iterator[Faults]:
    """Provide faults for clients of a host of its own in front of `host`."""
    with FaultyProxy(host) as proxy:
        faults = Faults(proxy)
        try:
            yield faults
        finally:
            faults.end()
