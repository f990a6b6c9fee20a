"""What check says about each way in which a host may answer, or not answer."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from waf_tests.client import NATIVE
from waf_tests.commands import connection_check
from waf_tests.edge import Edge
from waf_tests.secret import Secret
from waf_tests.testing.host_handshake import HEAD_END, accept_websocket
from waf_tests.testing.recording_origin import Answer, RecordingOrigin
from waf_tests.testing.run_in_process import Run, one_line
from waf_tests.testing.secret_scan import leaks
from waf_tests.testing.tcp_server import TcpServer

KEY = Secret("key-of-the-answers")
RAY = ("CF-Ray", "8f00b204e9800998-FRA")
TO_ACCESS = (
    "Location",
    "https://team.cloudflareaccess.com/cdn-cgi/access/login/lm.example.com?kid=1&redirect_url=%2F",
)
PASSED = "the firewall let the request through, but"
BEHIND = f"{PASSED} the host behind it"
TUNNEL = f" answered 530: {PASSED} Cloudflare does not get to the host behind it"
BLOCKED = "Check that X-API-Key is sent and has the value that the firewall's rule expects."
TOKEN_HINT = (
    "give a service token in the headers CF-Access-Client-Id and CF-Access-Client-Secret (check "
    "takes them from LMSTUDIO_CF_ACCESS_CLIENT_ID and LMSTUDIO_CF_ACCESS_CLIENT_SECRET)"
)
# What Cloudflare sends to browsers in place of "error code: 1020".
PAGE_1020 = (
    b'<h1><span class="cf-error-type">Error</span> <span class="cf-error-code">1020</span></h1>'
)

# The answer, and what stands after the URL in check's line.
ANSWERS = [
    (
        Answer("401 Unauthorized", (("WWW-Authenticate", "Basic"),)),
        (
            f" answered 401: something before LM Studio wants a login; if it is Cloudflare Access, "
            f"{TOKEN_HINT}"
        ),
    ),
    (Answer("403 Forbidden"), f": blocked by the firewall (403, no ray id given). {BLOCKED}"),
    (
        Answer("403 Forbidden", (RAY,)),
        f": blocked by the firewall (403, ray id {RAY[1]}). {BLOCKED}",
    ),
    (
        Answer("403 Forbidden", (("CF-Ray", "no number; <b>"),)),
        f": blocked by the firewall (403, no ray id given). {BLOCKED}",
    ),
    (
        Answer("403 Forbidden", (RAY,), b"error code: 1020"),
        f": blocked by the firewall (403, error 1020, ray id {RAY[1]}). {BLOCKED}",
    ),
    (
        Answer("403 Forbidden", (RAY,), PAGE_1020),
        f": blocked by the firewall (403, error 1020, ray id {RAY[1]}). {BLOCKED}",
    ),
    (
        Answer("403 Forbidden", (RAY, ("cf-mitigated", "challenge")), b"<title>Just a moment..."),
        (
            f": challenged by the firewall (403, ray id {RAY[1]}). It wants to see a browser, "
            "which no client of an API is: have the firewall skip challenges for requests with the "
            "key."
        ),
    ),
    (
        Answer("429 Too Many Requests", (("Retry-After", "30"),)),
        " answered 429: too many requests; wait 30 seconds, or raise the firewall's rate limit",
    ),
    (
        Answer("429 Too Many Requests"),
        " answered 429: too many requests; wait a while, or raise the firewall's rate limit",
    ),
    (Answer("500 Oops"), " answered 500: the server failed"),
    (
        Answer("502 Bad Gateway"),
        f" answered 502: {PASSED} LM Studio behind it does not answer",
    ),
    (
        Answer("503 Service Unavailable"),
        f" answered 503: {PASSED} LM Studio behind it does not answer, or is overloaded",
    ),
    (
        Answer("504 Gateway Timeout"),
        f" answered 504: {PASSED} LM Studio behind it does not answer in time",
    ),
    (
        Answer("520 x"),
        (
            f" answered 520: {BEHIND} gave an answer that is no HTTP; does LM "
            "Studio listen on the port that the firewall asks?"
        ),
    ),
    (
        Answer("521 x"),
        f" answered 521: {BEHIND} refuses connections; is LM Studio's server running?",
    ),
    (
        Answer("522 x"),
        (
            f" answered 522: {BEHIND} accepts no connection in time; does its own "
            "firewall let Cloudflare in?"
        ),
    ),
    (
        Answer("523 x"),
        (
            f" answered 523: {PASSED} Cloudflare finds no way to the host behind it; check its "
            "address in the DNS"
        ),
    ),
    (
        Answer("524 x"),
        f" answered 524: {BEHIND} takes too long to answer",
    ),
    (
        Answer("525 x"),
        (
            f" answered 525: {PASSED} the TLS handshake of Cloudflare with the host behind it "
            "fails; check that host's TLS"
        ),
    ),
    (
        Answer("526 x"),
        (
            f" answered 526: {PASSED} Cloudflare does not accept the certificate of the host "
            "behind it; renew it"
        ),
    ),
    (
        Answer("530 x"),
        TUNNEL,
    ),
    (
        Answer("530 x", (), b"error code: 1033"),
        f"{TUNNEL}: its tunnel is not connected; is cloudflared running there?",
    ),
    (
        Answer("530 x", (), b"error code: 1016"),
        f"{TUNNEL}: its name is not known; check the DNS record of the origin",
    ),
    (
        Answer("302 Found", (TO_ACCESS,)),
        f" answered 302: Cloudflare Access wants a login: {TOKEN_HINT}",
    ),
    (
        Answer("301 Moved Permanently", (("Location", "https://lm.example.com/x?y"),)),
        (
            " answered 301: it wants to redirect to https://lm.example.com; "
            "a key is never sent on to another address"
        ),
    ),
    (
        Answer("302 Found", (("Location", "/login"),)),
        " answered 302: it wants to redirect; a key is never sent on to another address",
    ),
    (
        Answer("302 Found", (("Location", "http://[::1"),)),
        ": the answer is no valid HTTP; is this LM Studio's port?",
    ),
    (
        Answer("400 Bad Request", (), b"Client sent an HTTP request to an HTTPS server.\n"),
        " answered 400: this port speaks TLS: write https:// before the host",
    ),
    (Answer("404 Not Found"), " answered 404: this does not look like LM Studio"),
    (Answer("200 OK", (), b"<html>"), " answered 200: this does not look like LM Studio"),
    (
        Answer("200 OK", (("Content-Encoding", "gzip"),), b"no gzip"),
        ": the answer is compressed in a way that cannot be read; something in between changes it",
    ),
]


@pytest.mark.parametrize(
    ("answer", "words"), ANSWERS, ids=[f"{answer.status[:3]}" for answer, _ in ANSWERS]
)
def test_answer(answer: Answer, words: str, run: Run) -> None:
    """Each answer in place of the greeting has its own line, and shows no key."""
    with RecordingOrigin(answer=answer) as origin:
        line = one_line(run("check", "--host", origin.address, LMSTUDIO_X_API_KEY=KEY.reveal()))
    assert line == f"check: http://{origin.address}/lmstudio-greeting{words}"
    assert leaks(line.encode(), [KEY]) == []


@pytest.mark.skipif(NATIVE, reason="the installed SDK has its own client, and its own words")
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer("401 Unauthorized"), "answered 401: something before LM Studio wants a login"),
        (Answer("403 Forbidden", (RAY,)), f"blocked by the firewall (403, ray id {RAY[1]})"),
        (Answer("429 Too Many Requests"), "answered 429: too many requests"),
        (Answer("502 Bad Gateway"), "answered 502: the firewall let the request through"),
        (Answer("530 x", (), b"error code: 1033"), "answered 530: the firewall let the request"),
        (Answer("302 Found", (TO_ACCESS,)), "answered 302: Cloudflare Access wants a login"),
        (Answer("200 OK", (), b"<html>"), "answered 200: this does not look like LM Studio"),
    ],
    ids=lambda value: value.status[:3] if isinstance(value, Answer) else None,
)
def test_answer_to_the_upgrade(answer: Answer, words: str, run: Run) -> None:
    """Each answer in place of a websocket has its own line, although the greeting was all right."""
    with RecordingOrigin(upgrade_answer=answer) as origin:
        line = one_line(run("check", "--host", origin.address, LMSTUDIO_X_API_KEY=KEY.reveal()))
    assert re.match(rf"check: ws://{re.escape(origin.address)}/\w+:? {re.escape(words)}", line)


# --- hosts that do not answer in HTTP


async def wrong_accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each websocket with the accept key of somebody else's handshake."""
    await accept_websocket(reader, writer, accept=b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    await asyncio.Event().wait()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read the request and close the connection."""
    await reader.read(1)


async def speak_smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greet, and refuse, as a mail server does."""
    writer.write(b"220 mail.example.com ESMTP\r\n502 command not recognized" + HEAD_END)
    await writer.drain()
    await reader.read()


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept and wait."""
    await asyncio.Event().wait()


@pytest.mark.skipif(NATIVE, reason="the installed SDK has its own client, and its own words")
def test_wrong_accept_key(run: Run) -> None:
    """A 101 that does not belong to the handshake is no websocket."""
    with TcpServer(wrong_accept) as host:
        line = one_line(run("check", "--host", host.address, LMSTUDIO_X_API_KEY=KEY.reveal()))
    assert re.match(
        rf"check: ws://{host.address}/\w+ answered 101: its Sec-WebSocket-Accept does not belong "
        "to this handshake; something in between answers that does not understand websockets",
        line,
    )


def test_hangs_up(run: Run) -> None:
    """A host that closes the connection has its own line."""
    with TcpServer(hang_up) as host:
        line = one_line(run("check", "--host", host.address, LMSTUDIO_X_API_KEY=KEY.reveal()))
    url = f"http://{host.address}/lmstudio-greeting"
    assert line == f"check: {url}: the server hung up before it had answered"


def test_hangs_up_in_the_handshake(run: Run) -> None:
    """A host that closes the connection in place of a TLS handshake has its own line."""
    with TcpServer(hang_up) as host:
        options = ("--host", f"https://{host.address}")
        line = one_line(run("check", *options, LMSTUDIO_X_API_KEY=KEY.reveal()))
    assert line.startswith(f"check: https://{host.address}/lmstudio-greeting: no TLS connection (")
    assert line.endswith("Does the server speak TLS on this port?")


def test_speaks_no_http(run: Run) -> None:
    """A host that answers, but not in HTTP, has its own line."""
    with TcpServer(speak_smtp) as host:
        line = one_line(run("check", "--host", host.address, LMSTUDIO_X_API_KEY=KEY.reveal()))
    url = f"http://{host.address}/lmstudio-greeting"
    assert line == f"check: {url}: the answer is no valid HTTP; is this LM Studio's port?"


def test_silent_in_the_handshake(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence in the TLS handshake is told apart from a port on which nobody listens."""
    monkeypatch.setattr(connection_check, "_ANSWER_SECONDS", 0.2)
    with TcpServer(say_nothing) as host:
        options = ("--host", f"https://{host.address}")
        line = one_line(run("check", *options, LMSTUDIO_X_API_KEY=KEY.reveal()))
    assert line == (
        f"check: 127.0.0.1 port {host.port}: connected, but no answer to the TLS handshake within "
        "0.2 s; does the server speak TLS on this port?"
    )


def test_silent_after_the_request(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence after the request has its own line."""
    monkeypatch.setattr(connection_check, "_ANSWER_SECONDS", 0.2)
    with TcpServer(say_nothing) as host:
        line = one_line(run("check", "--host", host.address, LMSTUDIO_X_API_KEY=KEY.reveal()))
    url = f"http://{host.address}/lmstudio-greeting"
    assert line == f"check: {url}: connected, but no answer to the request within 0.2 s"


@pytest.mark.parametrize(
    "host",
    [
        "user:hunter2@lm.example.com",
        "user:hunter2@lm.example.com:8443",
        "https://user:hunter2@lm.example.com",
        "https://user:hunter2@lm.example.com/path",
        "https://hunter2@[::1]:1234",
    ],
)
def test_password_in_the_host(host: str, run: Run) -> None:
    """A user name or password in the host is refused by name and not repeated."""
    line = one_line(run("check", "--host", host, LMSTUDIO_X_API_KEY=KEY.reveal()))
    assert line == (
        "check: --host: user names and passwords are not supported; write host:port alone"
    )


# --- Cloudflare Access

ACCESS_ID = Secret("0123456789abcdef.access")
ACCESS_SECRET = Secret("secret-of-the-service-token")
ACCESS = {
    "LMSTUDIO_CF_ACCESS_CLIENT_ID": ACCESS_ID.reveal(),
    "LMSTUDIO_CF_ACCESS_CLIENT_SECRET": ACCESS_SECRET.reveal(),
}


@pytest.mark.parametrize("source", ["environment", "file"])
def test_service_token(source: str, edge: Edge, run: Run, origin: RecordingOrigin) -> None:
    """check sends a service token, from the environment or .env, with the probe and websockets."""
    variables = {"LMSTUDIO_X_API_KEY": edge.key.reveal()}
    if source == "environment":
        variables.update(ACCESS)
    else:
        Path(".env").write_text(
            "".join(f"{name}={value}\n" for name, value in ACCESS.items()), encoding="utf-8"
        )
    before = len(origin.requests)
    result = run("check", "--host", edge.api_host, **variables)
    assert result.exit_code == 0, result.stderr
    requests = origin.requests[before:]
    assert any(each.values("upgrade") for each in requests)
    for request in requests:
        assert request.values("cf-access-client-id") == [ACCESS_ID.reveal()]
        assert request.values("cf-access-client-secret") == [ACCESS_SECRET.reveal()]
    assert leaks(result.output.encode(), [ACCESS_ID, ACCESS_SECRET]) == []


def test_service_token_not_accepted(run: Run) -> None:
    """Access that wants a login in spite of a service token has its own line."""
    with RecordingOrigin(answer=Answer("302 Found", (TO_ACCESS,))) as origin:
        line = one_line(run("check", "--host", origin.address, **ACCESS))
    assert "Cloudflare Access wants a login: it does not accept the service token" in line
    assert leaks(line.encode(), [ACCESS_ID, ACCESS_SECRET]) == []


@pytest.mark.parametrize("name", sorted(ACCESS))
def test_half_a_service_token(name: str, run: Run) -> None:
    """Half a service token is one line that names both variables."""
    line = one_line(run("check", "--host", "127.0.0.1:1", **{name: ACCESS[name]}))
    assert line == (
        "check: a service token has two halves: set both LMSTUDIO_CF_ACCESS_CLIENT_ID and "
        "LMSTUDIO_CF_ACCESS_CLIENT_SECRET, or none"
    )
