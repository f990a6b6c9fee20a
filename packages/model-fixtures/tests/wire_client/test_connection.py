"""Calls and channels over a real websocket to a scripted server."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from model_fixtures.wire_client import (
    AnswerTimeoutError,
    AuthenticationError,
    ChannelError,
    ConnectError,
    Connection,
    ConnectionLostError,
    Credentials,
    LateMessageError,
    ProtocolError,
    RpcError,
    connect,
    connect_raw,
)
from websockets.asyncio.server import ServerConnection, serve

pytestmark = pytest.mark.anyio

Script = Callable[[ServerConnection], Awaitable[None]]


async def send(connection: ServerConnection, **message: Any) -> None:
    """Send a message of the protocol."""
    await connection.send(json.dumps(message))


async def receive(connection: ServerConnection) -> Any:
    """Return the next message from the client."""
    return json.loads(await connection.recv())


@asynccontextmanager
async def scripted(script: Script, *, accept: bool = True) -> AsyncIterator[str]:
    """Run a server that accepts the client and then follows the script; yield its address."""

    async def talk(connection: ServerConnection) -> None:
        if accept:
            await connection.recv()
            await connection.send('{"success":true}')
        await script(connection)

    async with serve(talk, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def session(
    script: Script, *, answer_timeout: float | None = 60.0
) -> AsyncIterator[Connection]:
    """Connect to a server that follows the script."""
    async with (
        scripted(script) as address,
        connect(address, "llm", answer_timeout=answer_timeout) as connection,
    ):
        yield connection


async def until_closed(connection: ServerConnection) -> None:
    """Send nothing until the client closes the connection."""
    await connection.wait_closed()


async def test_results() -> None:
    """A call returns its result; an absent one is None."""

    async def script(connection: ServerConnection) -> None:
        first, second = await receive(connection), await receive(connection)
        assert first == {"type": "rpcCall", "endpoint": "a", "callId": 1, "parameter": {"x": 1}}
        # Answers may come in any order.
        await send(connection, type="rpcResult", callId=second["callId"])
        await send(connection, type="rpcResult", callId=first["callId"], result=[1])

    results: dict[str, Any] = {}

    async def call(connection: Connection, name: str, *parameter: Any) -> None:
        results[name] = await connection.rpc(name, *parameter)

    async with session(script) as connection, anyio.create_task_group() as tasks:
        tasks.start_soon(call, connection, "a", {"x": 1})
        tasks.start_soon(call, connection, "b")
    assert results == {"a": [1], "b": None}


async def test_errors_of_calls() -> None:
    """An rpcError is raised with the error object, its code and a message of one line."""
    error = {
        "title": "No model",
        "cause": "none\nloaded",
        "displayData": {"code": "generic.noModelMatchingQuery"},
    }

    async def script(connection: ServerConnection) -> None:
        await receive(connection)
        await send(connection, type="rpcError", callId=1, error=error)

    async with session(script) as connection:
        with pytest.raises(RpcError) as caught:
            await connection.rpc("listLoaded")
    assert caught.value.error == error
    assert str(caught.value) == "listLoaded: No model - none loaded"
    assert caught.value.code == "generic.noModelMatchingQuery"


async def test_packets_of_a_channel() -> None:
    """Iterating over a channel yields its packets in order until the host closes it."""

    async def script(connection: ServerConnection) -> None:
        assert await receive(connection) == {
            "type": "channelCreate",
            "endpoint": "e",
            "channelId": 1,
        }
        for number in range(3):
            await send(connection, type="channelSend", channelId=1, message={"n": number})
        await send(connection, type="channelClose", channelId=1)

    async with session(script) as connection, connection.channel("e") as channel:
        assert [packet["n"] async for packet in channel] == [0, 1, 2]
        assert channel.ended
        assert [packet async for packet in channel] == []


async def test_packets_to_the_host() -> None:
    """A message sent on a channel arrives as a packet of that channel."""

    async def script(connection: ServerConnection) -> None:
        await receive(connection)
        sent = await receive(connection)
        await send(connection, type="channelSend", channelId=1, message=sent)
        await send(connection, type="channelClose", channelId=1)

    async with session(script) as connection, connection.channel("e") as channel:
        await channel.send({"type": "stop"})
        packets = [packet async for packet in channel]
    assert packets == [{"type": "channelSend", "channelId": 1, "message": {"type": "stop"}}]


async def test_errors_of_channels() -> None:
    """A channelError is raised after the packets that came before it."""

    async def script(connection: ServerConnection) -> None:
        await receive(connection)
        await send(connection, type="channelSend", channelId=1, message={"n": 1})
        await send(connection, type="channelError", channelId=1, error={"title": "broke"})

    async with session(script) as connection, connection.channel("e") as channel:
        assert await channel.__anext__() == {"n": 1}
        with pytest.raises(ChannelError, match=r"^e: broke$"):
            await channel.__anext__()


async def test_leaving_a_channel_early_cancels_it_if_asked() -> None:
    """With cancel_on_exit the host gets a cancel; later packets of the channel are ignored."""

    async def script(connection: ServerConnection) -> None:
        await receive(connection)
        await send(connection, type="channelSend", channelId=1, message={"n": 1})
        cancel = await receive(connection)
        await send(connection, type="channelSend", channelId=1, message={"n": 2})
        await send(connection, type="channelClose", channelId=1)
        await receive(connection)
        await send(connection, type="rpcResult", callId=1, result=cancel)

    async with session(script) as connection:
        async with connection.channel("e", cancel_on_exit=True) as channel:
            await channel.__anext__()
        assert await connection.rpc("next") == {
            "type": "channelSend",
            "channelId": 1,
            "message": {"type": "cancel"},
        }


async def test_a_cancelled_task_cancels_its_channel() -> None:
    """With cancel_on_exit the host gets a cancel if the task is cancelled, as by Ctrl-C."""
    cancelled = anyio.Event()
    opened = anyio.Event()

    async def script(connection: ServerConnection) -> None:
        await receive(connection)
        opened.set()
        assert (await receive(connection))["message"] == {"type": "cancel"}
        cancelled.set()
        await connection.wait_closed()

    async def load(connection: Connection) -> None:
        async with connection.channel("e", cancel_on_exit=True) as channel:
            await channel.__anext__()

    async with session(script) as connection:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(load, connection)
            await opened.wait()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(10):
            await cancelled.wait()


async def test_an_ended_channel_is_not_cancelled() -> None:
    """No cancel is sent for a channel that the host has ended, since hosts warn about that."""

    async def script(connection: ServerConnection) -> None:
        await receive(connection)
        await send(connection, type="channelClose", channelId=1)
        assert (await receive(connection))["type"] == "rpcCall"
        await send(connection, type="rpcResult", callId=1, result="was next")

    async with session(script) as connection:
        async with connection.channel("e", cancel_on_exit=True) as channel:
            assert [packet async for packet in channel] == []
        assert await connection.rpc("next") == "was next"


async def test_a_lost_connection_ends_everything() -> None:
    """When the connection is lost, waiting calls and channels fail, and so do later ones."""

    async def script(connection: ServerConnection) -> None:
        await receive(connection)
        await receive(connection)
        await connection.close(1001, "going")

    failed: list[ConnectionLostError] = []

    async def call(connection: Connection) -> None:
        with pytest.raises(ConnectionLostError) as caught:
            await connection.rpc("e")
        failed.append(caught.value)

    async with session(script) as connection:
        async with connection.channel("e") as channel, anyio.create_task_group() as tasks:
            tasks.start_soon(call, connection)
            with pytest.raises(ConnectionLostError, match="1001: going"):
                await channel.__anext__()
        await call(connection)
    assert [exc.code for exc in failed] == [1001, 1001]


async def test_nonsense_from_the_host_ends_everything() -> None:
    """A message that breaks the protocol makes all waiting calls and channels fail."""

    async def script(connection: ServerConnection) -> None:
        await receive(connection)
        await send(connection, type="rpcResult", callId=9)
        await connection.wait_closed()

    async with session(script) as connection:
        with pytest.raises(ProtocolError, match="call 9, which was never open"):
            await connection.rpc("e")


@pytest.mark.parametrize("strict", [True, False])
async def test_late_messages(strict: bool) -> None:
    """A packet after the end of its channel ends a strict connection; others only note it."""

    async def script(connection: ServerConnection) -> None:
        await receive(connection)
        await send(connection, type="channelClose", channelId=1)
        await send(connection, type="channelSend", channelId=1, message={})
        await receive(connection)
        await send(connection, type="rpcResult", callId=1, result="fine")

    async with scripted(script) as address, connect(address, "llm", strict=strict) as connection:
        async with connection.channel("e") as channel:
            assert [packet async for packet in channel] == []
        late = "message for channel 1, which has ended"
        if strict:
            with pytest.raises(LateMessageError, match=late):
                await connection.rpc("e")
        else:
            assert await connection.rpc("e") == "fine"
            assert [str(exc) for exc in connection.late] == [late]


async def test_silence_is_reported() -> None:
    """A call that is not answered within the answer timeout raises AnswerTimeoutError."""
    async with session(until_closed, answer_timeout=0.01) as connection:
        with pytest.raises(AnswerTimeoutError, match=r"^e: no answer within 0\.01 s$"):
            await connection.rpc("e")


async def test_silence_after_a_warning() -> None:
    """The error for a call without an answer repeats what the host has said about it."""

    async def script(connection: ServerConnection) -> None:
        await receive(connection)
        await send(connection, type="communicationWarning", warning="no call\n  e", kind="unknown")
        await connection.wait_closed()

    async with session(script, answer_timeout=0.5) as connection:
        with pytest.raises(AnswerTimeoutError, match=r"0\.5 s; the host warned: no call e$"):
            await connection.rpc("e")


async def test_warnings_are_collected() -> None:
    """A communicationWarning answers no call; it is collected in `warnings`."""

    async def script(connection: ServerConnection) -> None:
        await receive(connection)
        await send(connection, type="communicationWarning", warning="hm", kind="unknown")
        await send(connection, type="rpcResult", callId=1)

    async with session(script) as connection:
        await connection.rpc("e")
        assert [(each.warning, each.kind) for each in connection.warnings] == [("hm", "unknown")]


async def test_refused_authentication() -> None:
    """A refusal is raised with the host's text and without the passkey."""

    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send('{"success":false,"error":"The passkey is invalid"}')

    async with scripted(script, accept=False) as address:
        with pytest.raises(AuthenticationError, match="refuses the client: The passkey is invalid"):
            async with connect(address, "llm"):
                pass


async def test_nobody_listens() -> None:
    """A port without a listener raises an error of one line with the address."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(ConnectError, match=f"^cannot connect to {address}: .+$"):
            async with connect(address, "llm"):
                pass


async def test_refused_handshake() -> None:
    """A handshake answered with an HTTP status is raised with that status."""

    async def refuse(connection: ServerConnection, request: object) -> Any:
        return connection.respond(404, "no such namespace")

    async def script(connection: ServerConnection) -> None:
        pass

    async with serve(script, "127.0.0.1", 0, process_request=refuse) as server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(ConnectError, match="HTTP status 404 for /nothing") as caught:
            async with connect(address, "nothing"):
                pass
    assert caught.value.status == 404


async def test_raw_frames() -> None:
    """A raw connection sends and receives any frame, before and after authentication."""

    async def script(connection: ServerConnection) -> None:
        async for frame in connection:
            await connection.send(frame)

    async with scripted(script, accept=False) as address, connect_raw(address, "llm") as raw:
        for frame in ("{", b"\x00\xff", "", '{"type":"keepAlive"}'):
            await raw.send(frame)
            assert await raw.receive() == frame
        await raw.send(b"as text", text=True)
        assert await raw.receive() == "as text"


async def test_raw_close_is_told() -> None:
    """A raw connection reports code and reason of a close."""

    async def script(connection: ServerConnection) -> None:
        await connection.send("last")
        await connection.close(4000, "because")

    async with scripted(script, accept=False) as address, connect_raw(address, "llm") as raw:
        closed = await raw.wait_closed()
        assert (closed.code, closed.reason) == (4000, "because")
        with pytest.raises(ConnectionLostError, match="4000: because"):
            await raw.send("more")


async def test_raw_drop() -> None:
    """A dropped connection ends without a closing handshake."""
    ended = anyio.Event()
    codes: list[int | None] = []

    async def script(connection: ServerConnection) -> None:
        await connection.wait_closed()
        codes.append(connection.close_code)
        ended.set()

    async with scripted(script, accept=False) as address, connect_raw(address, "llm") as raw:
        raw.drop()
        with anyio.fail_after(10):
            await ended.wait()
    assert codes == [1006]


async def test_debug_log_without_passkey(caplog: pytest.LogCaptureFixture) -> None:
    """The debug log does not contain the passkey."""
    caplog.set_level(logging.DEBUG)
    credentials = Credentials("guest:1", "pass-key-of-this-test")
    async with scripted(until_closed) as address, connect_raw(address, "llm") as raw:
        await raw.authenticate(credentials)
    sent = [record for record in caplog.records if record.name != "websockets.server"]
    assert credentials.passkey not in str([record.getMessage() for record in sent])
