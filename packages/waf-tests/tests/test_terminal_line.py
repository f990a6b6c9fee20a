"""Every error of a command is one printable line that shows no key."""

from __future__ import annotations

import asyncio

import pytest
import waf_tests.__main__ as commands
from waf_tests.commands import connection_check
from waf_tests.commands.terminal_line import one_line as as_one_line
from waf_tests.secret import Secret
from waf_tests.testing.host_handshake import accept_websocket, frame
from waf_tests.testing.recording_origin import RecordingOrigin
from waf_tests.testing.run_in_process import Run, one_line
from waf_tests.testing.secret_scan import leaks
from waf_tests.testing.tcp_server import TcpServer

KEY = Secret("key-of-the-one-line")
WELCOME = frame(b'{"success":true}')
NESTED = b"[" * 5000 + b"]" * 5000

WEBSOCKET = "it answers the greeting, but a websocket failed while opening the SDK's websockets"
CLOSED = "a websocket failed while waiting for LM Studio's list of models"
LIST = "while waiting for LM Studio's list of models; is this LM Studio?"


def result(data: bytes) -> bytes:
    """Return the frame that answers the client's first call."""
    return frame(b'{"type":"rpcResult","callId":1,"result":' + data + b"}")


def failure(data: bytes) -> bytes:
    """Return the frame that refuses the client's first call."""
    return frame(b'{"type":"rpcError","callId":1,"error":' + data + b"}")


def odd_host(identified: bytes, answered: bytes) -> TcpServer:
    """Return a host that sends some bytes after the client's identity and others after its call."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept_websocket(reader, writer)
        for data in (identified, answered):
            await reader.read(1 << 16)
            writer.write(data)
        await asyncio.Event().wait()

    return TcpServer(serve)


@pytest.mark.parametrize(
    ("identified", "answered", "words"),
    [
        pytest.param(frame(b"hello"), b"", WEBSOCKET, id="no JSON"),
        pytest.param(frame(b"[]"), b"", WEBSOCKET, id="list"),
        pytest.param(frame(b"null"), b"", WEBSOCKET, id="null"),
        pytest.param(frame(b"{}"), b"", WEBSOCKET, id="nothing in it"),
        pytest.param(frame(NESTED), b"", WEBSOCKET, id="nested"),
        pytest.param(frame(WELCOME, opcode=2), b"", WEBSOCKET, id="binary"),
        pytest.param(frame(b"\xff\xfe"), b"", WEBSOCKET, id="no UTF-8"),
        pytest.param(b"\xff" * 100, b"", WEBSOCKET, id="no frame"),
        pytest.param(
            frame(b'{"success":false,"error":["no"]}'), b"", "Authentication failed", id="refused"
        ),
        pytest.param(
            frame(b'{"success":false,"error":{"title":"\\u001b[31m\\nno"}}'),
            b"",
            "Authentication failed",
            id="refused with control characters",
        ),
        pytest.param(WELCOME, result(b"null"), LIST, id="null for a list"),
        pytest.param(WELCOME, result(b"[1]"), LIST, id="number for a model"),
        pytest.param(WELCOME, result(b'{"a":[]}'), LIST, id="object for a list"),
        pytest.param(WELCOME, failure(b'{"title":"a\\nb\\u009b"}'), "RPC error: a b?", id="error"),
        pytest.param(WELCOME, failure(b"5"), "RPC unexpected message", id="number for an error"),
        pytest.param(WELCOME, frame(b"", opcode=8), CLOSED, id="closed"),
        pytest.param(WELCOME, frame(b"hello"), CLOSED, id="no JSON for a list"),
    ],
)
def test_nonsense_on_a_websocket(identified: bytes, answered: bytes, words: str, run: Run) -> None:
    """Whatever a host sends on a websocket, check fails with one line."""
    with odd_host(identified, answered) as host:
        line = one_line(run("check", "--host", host.address, LMSTUDIO_X_API_KEY=KEY.reveal()))
    assert words in line
    assert line.isprintable()
    assert leaks(line.encode(), [KEY]) == []


def raise_with_the_key(*args: object, **options: object) -> None:
    """Raise an error as a library may, with the key in its message."""
    raise RuntimeError(f"this is not foreseen: {KEY.reveal()}")


def test_unforeseen_in_check(
    run: Run, origin: RecordingOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unforeseen error is reported in one line, with its type and place but not its text."""
    monkeypatch.setattr(connection_check, "_certificate", raise_with_the_key)
    monkeypatch.setattr(connection_check, "ray_id", raise_with_the_key)
    line = one_line(run("check", "--host", origin.address, LMSTUDIO_X_API_KEY=KEY.reveal()))
    assert line.startswith(
        f"check: while waiting for the answer of http://{origin.address}/lmstudio-greeting: "
        "unexpected RuntimeError in test_terminal_line.py, line "
    )
    assert leaks(line.encode(), [KEY]) == []


@pytest.mark.parametrize(
    "command",
    [("check", "--host", "127.0.0.1:1"), ("rule", "--host", "h", "--show-key"), ("serve",)],
    ids=lambda command: command[0],
)
def test_unforeseen_in_a_command(
    command: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command reports an unforeseen error in one line, without its text."""
    monkeypatch.setattr(commands, "find_settings", raise_with_the_key)
    line = one_line(run(*command, LMSTUDIO_X_API_KEY=KEY.reveal()))
    assert line.startswith(f"{command[0]}: unexpected RuntimeError in test_terminal_line.py, line ")
    assert leaks(line.encode(), [KEY]) == []


def test_printable() -> None:
    """Control characters and lone surrogates do not reach a terminal."""
    assert as_one_line("a\r\n b\x1b[2J\x9b\ud800\u202e") == "a b?[2J???"


def test_models_are_printable(run: Run) -> None:
    """The names of a host's models are shown in one line, without control characters."""
    model = (
        b'{"type":"llm","modelKey":"a\\nb\\u001b","format":"gguf","displayName":"d","path":"p",'
        b'"sizeBytes":1,"vision":false,"trainedForToolUse":false,"maxContextLength":1}'
    )
    with odd_host(WELCOME, result(b"[" + model + b"]")) as host:
        shown = run("check", "--host", host.address)
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.splitlines()[-1] == "models       a b?"
