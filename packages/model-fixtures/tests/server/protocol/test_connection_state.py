"""The connection as a state machine: frames in, events out, no sockets."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from model_fixtures.server.protocol.connection_state import (
    MAX_WARNINGS,
    Authenticate,
    Connection,
    Event,
    Ignored,
    OpenChannel,
    Packet,
    Send,
    StartRpc,
    State,
)
from model_fixtures.server.protocol.envelope import AuthPacket
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.protocol.payloads.models import Cancel, UnloadModel

AUTH = {"authVersion": 1, "clientIdentifier": "guest:1", "clientPasskey": "secret"}


async def handle(*arguments: object) -> None:
    """Do nothing: these tests run no handler."""


def a_namespace() -> Namespace:
    """Return a namespace with two calls and two channels, with and without parameter or packets."""
    namespace = Namespace("llm")
    namespace.rpc("unloadModel", UnloadModel)(handle)
    namespace.rpc("listLoaded")(handle)
    namespace.channel("predict", UnloadModel, Cancel)(handle)
    namespace.channel("alive")(handle)
    return namespace


def an_open_connection(*, answer_unknown: bool = False) -> Connection:
    """Return a connection after authentication."""
    connection = Connection(a_namespace(), answer_unknown=answer_unknown)
    connection.accept()
    return connection


def send(connection: Connection, **message: Any) -> list[Event]:
    """Return the events for a message."""
    return connection.receive(json.dumps(message))


def sent(event: Event) -> dict[str, Any]:
    """Return the message in a frame for the client."""
    assert isinstance(event, Send)
    message: dict[str, Any] = json.loads(event.frame)
    return message


def test_first_frame_presents_an_identity() -> None:
    """The authentication packet is handed on, and the connection waits for the decision."""
    connection = Connection(a_namespace())
    assert connection.receive(json.dumps(AUTH)) == [Authenticate("guest:1", "secret")]
    assert connection.state is State.AUTHENTICATING


def test_passkeys_are_not_shown() -> None:
    """The repr of an authentication, which logs and failed assertions show, has no passkey."""
    packet = msgspec.json.decode(json.dumps(AUTH), type=AuthPacket)
    assert packet.client_passkey == "secret"
    assert "secret" not in repr([packet, Authenticate("guest:1", "secret")])


@pytest.mark.parametrize(
    "frame",
    [
        "no JSON",
        "[]",
        json.dumps({**AUTH, "authVersion": 2}),
        json.dumps({**AUTH, "clientPasskey": 5}),
        json.dumps({**AUTH, "clientIdentifier": "x" * 257}),
        json.dumps({"type": "rpcCall", "endpoint": "listLoaded", "callId": 1}),
        b"\xff\xfe",
    ],
)
def test_anything_else_while_authenticating_is_ignored(frame: str | bytes) -> None:
    """A malformed authentication packet gets no answer, and a later valid one still counts."""
    connection = Connection(a_namespace())
    (event,) = connection.receive(frame)
    assert isinstance(event, Ignored)
    assert connection.receive(json.dumps(AUTH)) == [Authenticate("guest:1", "secret")]


def test_accept_opens_the_connection() -> None:
    """Accepting answers `success: true` and lets messages in."""
    connection = Connection(a_namespace())
    assert json.loads(connection.accept()) == {"success": True}
    assert connection.state is State.OPEN


def test_refusal_says_why() -> None:
    """Refusing answers `success: false` with a text."""
    assert json.loads(Connection.refuse("no")) == {"success": False, "error": "no"}


def test_call_with_a_parameter() -> None:
    """A call is handed on with its parameter as a struct; unknown keys are dropped."""
    connection = an_open_connection()
    (event,) = send(
        connection,
        type="rpcCall",
        endpoint="unloadModel",
        callId=7,
        parameter={"identifier": "m", "new": 1},
    )
    assert isinstance(event, StartRpc)
    assert event.call_id == 7
    assert event.parameter == UnloadModel("m")


def test_call_without_parameter() -> None:
    """A call that takes no parameter is handed on without one."""
    (event,) = send(an_open_connection(), type="rpcCall", endpoint="listLoaded", callId=1)
    assert isinstance(event, StartRpc)
    assert event.parameter is None


@pytest.mark.parametrize("value", [None, {}, {"a": 1}])
def test_parameter_where_none_is_taken(value: object) -> None:
    """Whatever comes as a parameter is bad where a call or a channel takes none, as in the app."""
    call = {"type": "rpcCall", "endpoint": "listLoaded", "callId": 1, "parameter": value}
    create = {"type": "channelCreate", "endpoint": "alive", "channelId": 1}
    (warning,) = send(an_open_connection(), **call)
    assert sent(warning)["kind"] == "rpcParameterTypeError"
    (warning,) = send(an_open_connection(), **create, creationParameter=value)
    assert sent(warning)["kind"] == "channelCreationParameterTypeError"


@pytest.mark.parametrize("number", ["2.0", "2e0", "20E-1"])
def test_whole_numbers_are_integers(number: str) -> None:
    """An id may be written as JavaScript allows it, and comes back as an integer."""
    connection = an_open_connection()
    (call,) = connection.receive(f'{{"type":"rpcCall","endpoint":"listLoaded","callId":{number}}}')
    assert isinstance(call, StartRpc)
    assert Connection.rpc_result(call.call_id, None) == b'{"type":"rpcResult","callId":2}'
    create = f'{{"type":"channelCreate","endpoint":"alive","channelId":{number}}}'
    (channel,) = connection.receive(create)
    assert isinstance(channel, OpenChannel)
    assert connection.channel_close(channel.channel_id) == b'{"type":"channelClose","channelId":2}'
    acknowledgement = f'{{"type":"channelAck","channelId":{number},"ackId":{number}}}'
    (warning,) = connection.receive(acknowledgement)
    assert sent(warning)["warning"] == "channel 2 is not open"
    update = f'{{"type":"writableSignalUpdate","subscribeId":{number},"patches":[],"tags":[]}}'
    (warning,) = connection.receive(update)
    assert sent(warning)["warning"] == "no signal subscription 2 is open"


def test_version_as_a_whole_number() -> None:
    """The version of the authentication may be written as a float."""
    packet = json.dumps({**AUTH, "authVersion": 1.0})
    assert Connection(a_namespace()).receive(packet) == [Authenticate("guest:1", "secret")]


@pytest.mark.parametrize("number", ["2.5", "1e400", '"2"', "true", "null"])
def test_ids_that_are_no_integers(number: str) -> None:
    """A message with such an id is none, and is ignored as by the app."""
    for message in (
        f'{{"type":"rpcCall","endpoint":"listLoaded","callId":{number}}}',
        f'{{"type":"channelSend","channelId":1,"message":{{}},"ackId":{number}}}',
    ):
        (event,) = an_open_connection().receive(message)
        assert isinstance(event, Ignored)


def test_unknown_call_warns() -> None:
    """An unknown endpoint gets a warning and no answer."""
    (warning,) = send(an_open_connection(), type="rpcCall", endpoint="fly", callId=3)
    assert sent(warning) == {
        "type": "communicationWarning",
        "warning": "llm has no call fly",
        "kind": "rpcEndpointUnknown",
    }


def test_unknown_call_that_is_answered() -> None:
    """On request, an error follows the warning and ends the call."""
    connection = an_open_connection(answer_unknown=True)
    warning, error = send(connection, type="rpcCall", endpoint="fly", callId=3)
    assert sent(warning)["kind"] == "rpcEndpointUnknown"
    assert sent(error) == {
        "type": "rpcError",
        "callId": 3,
        "error": {"title": "llm has no call fly", "rootTitle": "llm has no call fly"},
    }


@pytest.mark.parametrize("parameter", [None, 5, "m", [], {}, {"identifier": 5}])
@pytest.mark.parametrize("answer_unknown", [False, True])
def test_bad_parameter_warns(parameter: object, answer_unknown: bool) -> None:
    """A parameter that fails its schema gets a warning and, on request, an error."""
    call = {"type": "rpcCall", "endpoint": "unloadModel", "callId": 3, "parameter": parameter}
    warning, *errors = send(an_open_connection(answer_unknown=answer_unknown), **call)
    assert sent(warning)["kind"] == "rpcParameterTypeError"
    assert len(errors) == answer_unknown
    for error in errors:
        assert sent(error)["type"] == "rpcError"
        assert sent(error)["callId"] == 3


def test_channel_opens_with_its_parameter() -> None:
    """A channel is handed on with its creation parameter as a struct."""
    (event,) = open_channel(an_open_connection())
    assert isinstance(event, OpenChannel)
    assert event.channel_id == 1
    assert event.parameter == UnloadModel("m")


def open_channel(connection: Connection) -> list[Event]:
    """Open the channel `predict` under id 1."""
    return send(
        connection,
        type="channelCreate",
        endpoint="predict",
        channelId=1,
        creationParameter={"identifier": "m"},
    )


def test_calls_and_channels_count_separately() -> None:
    """The same id can be a call and a channel at once."""
    connection = an_open_connection()
    open_channel(connection)
    (event,) = send(connection, type="rpcCall", endpoint="listLoaded", callId=1)
    assert isinstance(event, StartRpc)


@pytest.mark.parametrize("answer_unknown", [False, True])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("channelEndpointUnknown", {"endpoint": "fly"}),
        (
            "channelCreationParameterTypeError",
            {"endpoint": "predict", "creationParameter": {"identifier": 5}},
        ),
    ],
)
def test_bad_channel_warns(kind: str, message: dict[str, Any], answer_unknown: bool) -> None:
    """An unknown channel or a bad creation parameter gets a warning and, on request, an error."""
    connection = an_open_connection(answer_unknown=answer_unknown)
    warning, *errors = send(connection, type="channelCreate", channelId=3, **message)
    assert sent(warning)["kind"] == kind
    assert len(errors) == answer_unknown
    for error in errors:
        assert sent(error)["type"] == "channelError"
        assert sent(error)["channelId"] == 3


def test_id_in_use_only_warns() -> None:
    """A second channel under an open id gets a warning; the open channel goes on."""
    connection = an_open_connection()
    open_channel(connection)
    (warning,) = open_channel(connection)
    assert sent(warning)["kind"] == "channelAlreadyOpen"
    (packet,) = send(connection, type="channelSend", channelId=1, message={"type": "cancel"})
    assert packet == Packet(1, Cancel("cancel"))


def test_closed_id_is_free_again() -> None:
    """After channelClose an id can be used anew."""
    connection = an_open_connection()
    open_channel(connection)
    assert json.loads(connection.channel_close(1)) == {"type": "channelClose", "channelId": 1}
    (event,) = open_channel(connection)
    assert isinstance(event, OpenChannel)


def test_packet_after_the_end_warns() -> None:
    """A packet for a channel that is not open gets the warning `channelUnknown`."""
    connection = an_open_connection()
    open_channel(connection)
    connection.channel_error(1, ServerError("over"))
    (warning,) = send(connection, type="channelSend", channelId=1, message={"type": "cancel"})
    assert sent(warning)["kind"] == "channelUnknown"


@pytest.mark.parametrize(
    "content", [{}, *({"message": each} for each in (None, 5, {}, {"type": "stop"}, {"type": 5}))]
)
def test_bad_packet_warns_and_the_channel_stays_open(content: dict[str, Any]) -> None:
    """A packet that fails its schema is dropped with a warning."""
    connection = an_open_connection()
    open_channel(connection)
    (warning,) = send(connection, type="channelSend", channelId=1, **content)
    assert sent(warning)["kind"] == "channelMessageTypeError"
    (packet,) = send(connection, type="channelSend", channelId=1, message={"type": "cancel"})
    assert isinstance(packet, Packet)


def test_acknowledgement_for_an_unknown_channel_warns() -> None:
    """An acknowledgement for a channel that is not open gets the warning `channelUnknown`."""
    (warning,) = send(an_open_connection(), type="channelAck", channelId=1, ackId=1)
    assert sent(warning)["kind"] == "channelUnknown"


def test_packet_for_a_channel_that_takes_none_warns() -> None:
    """A channel that takes no packets drops every packet with a warning; acknowledgements pass."""
    connection = an_open_connection()
    send(connection, type="channelCreate", endpoint="alive", channelId=1)
    (acknowledged,) = send(connection, type="channelAck", channelId=1, ackId=1)
    assert isinstance(acknowledged, Ignored)
    (warning,) = send(connection, type="channelSend", channelId=1, message={"type": "cancel"})
    assert sent(warning)["kind"] == "channelMessageTypeError"


def test_warnings_end_after_five() -> None:
    """A connection gets at most five warnings; errors that were asked for go on."""
    connection = an_open_connection(answer_unknown=True)
    answers = [
        send(connection, type="rpcCall", endpoint="fly", callId=number)
        for number in range(MAX_WARNINGS + 2)
    ]
    assert [sent(one[0])["type"] for one in answers[:5]] == ["communicationWarning"] * 5
    assert all(isinstance(one[0], Ignored) for one in answers[5:])
    assert [sent(one[1])["callId"] for one in answers] == list(range(7))


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "no JSON",
        "null",
        "[1]",
        '{"type": "unheardOf"}',
        '{"no": "type"}',
        '{"type": "rpcCall"}',
        '{"type": "rpcCall", "endpoint": "listLoaded", "callId": "one"}',
        "[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_frames_that_are_no_message_are_ignored(frame: str | bytes) -> None:
    """What is not JSON or matches no message type gets no answer and changes nothing."""
    connection = an_open_connection()
    (event,) = connection.receive(frame)
    assert isinstance(event, Ignored)
    (after,) = send(connection, type="rpcCall", endpoint="listLoaded", callId=1)
    assert isinstance(after, StartRpc)


def test_keep_alive_is_answered() -> None:
    """`keepAlive` gets `keepAliveAck`."""
    (event,) = send(an_open_connection(), type="keepAlive")
    assert sent(event) == {"type": "keepAliveAck"}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("signalEndpointUnknown", {"type": "signalSubscribe", "endpoint": "e", "subscribeId": 1}),
        (
            "writableSignalEndpointUnknown",
            {"type": "writableSignalSubscribe", "endpoint": "e", "subscribeId": 1},
        ),
        (
            "writableSignalUnknown",
            {"type": "writableSignalUpdate", "subscribeId": 1, "patches": [], "tags": []},
        ),
    ],
)
def test_signals_are_unknown(kind: str, message: dict[str, Any]) -> None:
    """No namespace has signals, so a subscription gets a warning."""
    (warning,) = send(an_open_connection(), **message)
    assert sent(warning)["kind"] == kind


@pytest.mark.parametrize(
    "message",
    [
        {"type": "signalUnsubscribe", "subscribeId": 1},
        {"type": "writableSignalUnsubscribe", "subscribeId": 1},
        {"type": "communicationWarning", "warning": "the client complains"},
    ],
)
def test_messages_that_need_no_answer(message: dict[str, Any]) -> None:
    """Unsubscriptions and the client's own warnings get no answer."""
    (event,) = send(an_open_connection(), **message)
    assert isinstance(event, Ignored)


def test_void_result_is_left_out() -> None:
    """A void result has no `result` key: null would kill JavaScript clients."""
    assert json.loads(Connection.rpc_result(1, None)) == {"type": "rpcResult", "callId": 1}
    assert json.loads(Connection.rpc_result(1, [])) == {
        "type": "rpcResult",
        "callId": 1,
        "result": [],
    }
