"""check asks once without the key, and says whether the firewall wants one."""

from __future__ import annotations

import asyncio

import anyio
import pytest
from waf_tests.client.connection_settings import new_connection
from waf_tests.commands import connection_check, keyless_probe
from waf_tests.commands.keyless_probe import KeylessAnswer, ask_without_key
from waf_tests.edge import Edge
from waf_tests.secret import Secret
from waf_tests.testing.host_handshake import HEAD_END
from waf_tests.testing.recording_origin import GREETING_ANSWER, Answer, RecordingOrigin
from waf_tests.testing.run_in_process import Run, one_line
from waf_tests.testing.tcp_server import Serve, TcpServer

KEY = Secret("key-that-nobody-asks-for")
TOKEN = Secret("sk-lm-abcdEFGH:abcdefghij0123456789")
SECRETS = {
    "LMSTUDIO_X_API_KEY": KEY.reveal(),
    "LMSTUDIO_API_TOKEN": TOKEN.reveal(),
    "LMSTUDIO_CF_ACCESS_CLIENT_ID": "id-of-the-service-token",
    "LMSTUDIO_CF_ACCESS_CLIENT_SECRET": "secret-of-the-service-token",
}
LET_IN = "LET IN: the host answers without the key, so no firewall asks for it"
RAY = ("CF-Ray", "8f00b204e9800998-FRA")


def ask(address: str) -> KeylessAnswer:
    """Ask the host at this address, with a connection that has a key."""
    connection = new_connection(address, None, KEY.reveal(), None)
    assert connection.endpoint is not None
    return anyio.run(ask_without_key, connection, connection.endpoint)


def test_no_firewall(run: Run) -> None:
    """A host that answers without the key works, but is not protected: exit status 3."""
    with RecordingOrigin() as origin:
        result = run("check", "--host", origin.address, **SECRETS)
    assert result.exit_code == 3
    assert result.stderr == ""
    assert f"without key  {LET_IN}" in result.stdout.splitlines()
    *others, last = [each for each in origin.requests if each.target == "/lmstudio-greeting"]
    assert [each.values("x-api-key") for each in others] == [[KEY.reveal()]] * len(others)
    assert {name.lower() for name, _ in last.headers} == {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "user-agent",
    }


def test_a_firewall(edge: Edge, run: Run) -> None:
    """A firewall that asks for the key makes exit status 0."""
    result = run("check", "--host", edge.api_host, LMSTUDIO_X_API_KEY=edge.key.reveal())
    assert result.exit_code == 0, result.stderr
    assert "without key  refused (403, ray id " in result.stdout


def test_no_key_to_leave_out(origin: RecordingOrigin, run: Run) -> None:
    """Where no key is given there is nothing to find out: no line, and no further request."""
    before = len(origin.requests)
    result = run("check", "--host", origin.address)
    assert result.exit_code == 0, result.stderr
    assert "without key" not in result.stdout
    greetings = [each.target for each in origin.requests[before:]].count("/lmstudio-greeting")
    with_key = len(origin.requests)
    assert run("check", "--host", origin.address, LMSTUDIO_X_API_KEY="k").exit_code == 3
    targets = [each.target for each in origin.requests[with_key:]]
    assert targets.count("/lmstudio-greeting") == greetings + 1


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (Answer("403 Forbidden", (RAY,)), f"refused (403, ray id {RAY[1]})"),
        (Answer("401 Unauthorized"), "refused (401)"),
        (Answer("404 Not Found"), "refused (404)"),
        (
            Answer("302 Found", (("Location", "https://team.cloudflareaccess.com/"),)),
            "refused (302)",
        ),
        (
            Answer("200 OK", (), b"<title>Log in</title>"),
            "refused (200, with something else than LM Studio's greeting)",
        ),
        (
            Answer("200 OK", (), b'{"lmstudio":false}'),
            "refused (200, with something else than LM Studio's greeting)",
        ),
        (Answer("429 Too Many Requests"), "not known: the answer was 429"),
        (Answer("502 Bad Gateway", (RAY,)), f"not known: the answer was 502, ray id {RAY[1]}"),
    ],
)
def test_answers(answer: Answer, shown: str) -> None:
    """Whatever else than the greeting comes back is named; only a greeting is a way in."""
    with RecordingOrigin(answer=answer) as origin:
        assert ask(origin.address) == KeylessAnswer(shown)
    with RecordingOrigin(answer=GREETING_ANSWER) as origin:
        assert ask(origin.address) == KeylessAnswer(LET_IN, let_in=True)


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept and wait."""
    await asyncio.Event().wait()


async def begin_without_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin an answer of which a byte comes now and then."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000" + HEAD_END)
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read the request and close the connection."""
    await reader.read(1)


@pytest.mark.parametrize(
    ("serve", "shown"),
    [
        (say_nothing, "refused (no answer within 0.2 s)"),
        (begin_without_end, "refused (no answer within 0.2 s)"),
        (hang_up, "refused (the connection was closed)"),
    ],
)
def test_no_answer(serve: Serve, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall that drops requests without an answer does not hold the check up."""
    monkeypatch.setattr(keyless_probe, "SILENCE_SECONDS", 0.2)
    with TcpServer(serve) as host:
        assert ask(host.address) == KeylessAnswer(shown)


def test_no_second_connection() -> None:
    """A host that is gone by then has not refused anything."""
    with RecordingOrigin() as gone:
        address = gone.address
    assert ask(address) == KeylessAnswer("not known: no second connection was made")


def test_within_the_deadline(
    origin: RecordingOrigin, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request without the key counts towards --timeout."""

    async def hang(*args: object) -> KeylessAnswer:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(connection_check, "ask_without_key", hang)
    options = ("--host", origin.address, "--timeout", "1.5")
    line = one_line(run("check", *options, LMSTUDIO_X_API_KEY=KEY.reveal()))
    assert line == (
        f"check: {origin.address}: not done within 1.5 s, while asking once more without the key; "
        "--timeout gives it longer"
    )
