"""Encoding frames and decoding messages without I/O."""

from __future__ import annotations

import json
from typing import Any

import pytest
from model_fixtures.wire_client import (
    CommunicationWarning,
    Envelope,
    LateMessageError,
    ProtocolError,
)
from model_fixtures.wire_client.envelope import (
    ChannelEnd,
    ChannelFailure,
    ChannelPacket,
    KeepAliveAck,
    RpcFailure,
    RpcResult,
    parse_auth_answer,
)
from msgspec import UNSET


@pytest.fixture
def envelope() -> Envelope:
    """Provide an envelope in which call 1 and channel 1 are open."""
    envelope = Envelope()
    envelope.call("first")
    envelope.create_channel("first")
    return envelope


def test_calls_and_channels_have_separate_ids() -> None:
    """Calls and channels count separately, both from 1, as the Python SDK does."""
    envelope = Envelope()
    assert [envelope.call("a")[0], envelope.call("b")[0]] == [1, 2]
    assert [envelope.create_channel("a")[0], envelope.create_channel("b")[0]] == [1, 2]


@pytest.mark.parametrize("parameter", [{}, {"a": None}, [], "", 0, False, None])
def test_a_given_parameter_is_sent_as_it_is(parameter: Any) -> None:
    """A parameter that is given is sent, even if it is empty or null."""
    _, call = Envelope().call("e", parameter)
    _, channel = Envelope().create_channel("e", parameter)
    assert json.loads(call) == {
        "type": "rpcCall",
        "endpoint": "e",
        "callId": 1,
        "parameter": parameter,
    }
    assert json.loads(channel) == {
        "type": "channelCreate",
        "endpoint": "e",
        "channelId": 1,
        "creationParameter": parameter,
    }


def test_a_parameter_that_is_not_given_is_absent() -> None:
    """Without a parameter the key is absent from the message."""
    _, call = Envelope().call("e")
    _, channel = Envelope().create_channel("e")
    assert json.loads(call) == {"type": "rpcCall", "endpoint": "e", "callId": 1}
    assert json.loads(channel) == {"type": "channelCreate", "endpoint": "e", "channelId": 1}


def test_channel_packets_are_wrapped() -> None:
    """A packet to the host is sent as the message of a channelSend."""
    frame = Envelope().channel_send(7, {"type": "cancel"})
    assert json.loads(frame) == {
        "type": "channelSend",
        "channelId": 7,
        "message": {"type": "cancel"},
    }


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ('{"type":"rpcResult","callId":1,"result":[1]}', RpcResult(1, [1])),
        ('{"type":"rpcResult","callId":1}', RpcResult(1, UNSET)),
        ('{"type":"rpcResult","callId":1,"result":null}', RpcResult(1, None)),
        ('{"type":"rpcError","callId":1,"error":{"title":"t"}}', RpcFailure(1, {"title": "t"})),
        (
            '{"type":"channelSend","channelId":1,"message":{"a":1},"ackId":2,"new":3}',
            ChannelPacket(1, {"a": 1}, 2),
        ),
        ('{"type":"channelClose","channelId":1}', ChannelEnd(1)),
        ('{"type":"channelError","channelId":1,"error":{}}', ChannelFailure(1, {})),
        (
            '{"type":"communicationWarning","warning":"w","kind":"rpcEndpointUnknown"}',
            CommunicationWarning("w", "rpcEndpointUnknown"),
        ),
        ('{"type":"communicationWarning","warning":"w"}', CommunicationWarning("w", UNSET)),
        ('{"type":"keepAliveAck"}', KeepAliveAck()),
    ],
)
def test_received_messages(envelope: Envelope, frame: str, message: Any) -> None:
    """All messages of servers are decoded; unknown fields are ignored."""
    assert envelope.receive(frame) == message


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "[]",
        "{",
        "{}",
        '{"type":"rpcCall","endpoint":"e","callId":1}',
        '{"type":"rpcResult"}',
        '{"type":"rpcResult","callId":1.5}',
        '{"type":"rpcError","callId":1,"error":"text"}',
        '{"type":"channelSend","channelId":1,"message":"text"}',
        '{"type":"rpcResult","callId":2}',
        '{"type":"rpcError","callId":2,"error":{}}',
        '{"type":"channelSend","channelId":2,"message":{}}',
        '{"type":"channelClose","channelId":2}',
        '{"type":"channelError","channelId":2,"error":{}}',
        b'{"type":"keepAliveAck"}',
    ],
)
def test_what_the_protocol_does_not_allow(envelope: Envelope, frame: str | bytes) -> None:
    """Malformed messages, ids that were never open and binary frames raise ProtocolError."""
    with pytest.raises(ProtocolError):
        envelope.receive(frame)


@pytest.mark.parametrize(
    ("last", "again"),
    [
        ('{"type":"rpcResult","callId":1}', '{"type":"rpcError","callId":1,"error":{}}'),
        ('{"type":"channelClose","channelId":1}', '{"type":"channelClose","channelId":1}'),
        (
            '{"type":"channelError","channelId":1,"error":{}}',
            '{"type":"channelSend","channelId":1,"message":{}}',
        ),
    ],
)
def test_an_id_is_closed_by_its_last_message(envelope: Envelope, last: str, again: str) -> None:
    """After an answer to a call or the end of a channel, another message for it is late."""
    envelope.receive(last)
    with pytest.raises(LateMessageError, match="1, which has ended"):
        envelope.receive(again)


def test_open_ids_are_known(envelope: Envelope) -> None:
    """The envelope knows which calls and channels are open."""
    assert (list(envelope.open_calls), list(envelope.open_channels)) == ([1], [1])
    envelope.receive('{"type":"rpcResult","callId":1}')
    assert (list(envelope.open_calls), list(envelope.open_channels)) == ([], [1])
    envelope.receive('{"type":"channelClose","channelId":1}')
    assert (list(envelope.open_calls), list(envelope.open_channels)) == ([], [])


def test_authentication_answers() -> None:
    """Both answers to authentication are decoded; anything else raises ProtocolError."""
    assert parse_auth_answer('{"success":true}').success
    refused = parse_auth_answer('{"success":false,"error":"no"}')
    assert (refused.success, refused.error) == (False, "no")
    with pytest.raises(ProtocolError, match="not an answer to authentication"):
        parse_auth_answer('{"type":"rpcResult","callId":1}')
