"""What a scenario is made of: which message it waits for, and what happens then."""

from __future__ import annotations

from typing import Any, Union

from msgspec import UNSET, Struct, UnsetType


class MessageCondition(Struct, rename="camel", forbid_unknown_fields=True):
    """The message from the server that a rule waits for; all fields that are set must fit.

    `type` is the message's type (`authentication` for the answer to the first frame), `packet` that
    of the message inside a `channelSend`, `nth` counts the messages that fit, from 1.
    """

    namespace: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    endpoint: str | UnsetType = UNSET
    packet: str | UnsetType = UNSET
    nth: int = 1


class Delay(Struct, tag_field="do", tag="delay", forbid_unknown_fields=True):
    """The message, and all after it on this connection, come later."""

    seconds: float


class Drop(Struct, tag_field="do", tag="drop", forbid_unknown_fields=True):
    """The message is not sent."""


class Stall(Struct, tag_field="do", tag="stall", forbid_unknown_fields=True):
    """Nothing is sent on this connection any more; it stays open."""


class Close(Struct, tag_field="do", tag="close", forbid_unknown_fields=True):
    """The connection is closed instead of the message being sent."""

    code: int = 1011
    reason: str = ""


class Replace(Struct, tag_field="do", tag="replace", forbid_unknown_fields=True):
    """Another frame is sent instead, as text; it need not be JSON.

    In it `"$id"` stands for the id of the message's call or channel.
    """

    frame: str


class Insert(Struct, tag_field="do", tag="insert", rename="camel", forbid_unknown_fields=True):
    """Other messages are sent before it; in them `"$id"` stands for its call or channel."""

    messages: list[dict[str, Any]]


class Fail(Struct, tag_field="do", tag="fail", forbid_unknown_fields=True):
    """The call or channel ends with this error instead."""

    error: dict[str, Any]


Fault = Union[Delay, Drop, Stall, Close, Replace, Insert, Fail]  # noqa: UP007


class ScenarioRule(Struct, forbid_unknown_fields=True):
    """One fault; it happens once, at the message that `when` describes."""

    when: MessageCondition
    then: Fault


class Scenario(Struct, rename="camel", forbid_unknown_fields=True):
    """The faults of one client, across all its connections."""

    client_identifier: str
    rules: list[ScenarioRule]
