"""The command check, as a user runs it."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from waf_tests.edge import Edge
from waf_tests.edge.certificates import issue
from waf_tests.secret import Secret
from waf_tests.testing.recording_origin import Answer, RecordingOrigin
from waf_tests.testing.run_in_process import Run, one_line
from waf_tests.testing.secret_scan import halves, leaks

KEY = Secret("key-of-the-check")
TOKEN = Secret("sk-lm-abcdEFGH:abcdefghij0123456789")
SECRETS = (KEY, *halves(TOKEN))

MakeEdge = Callable[..., Edge]


def test_check(edge: Edge, run: Run) -> None:
    """check says where it connected, by which certificate, with which ray id, how fast, to what."""
    result = run("check", "--host", edge.api_host, LMSTUDIO_X_API_KEY=edge.key.reveal())
    assert result.exit_code == 0, result.stderr
    connected, certificate, ray, trip, keyless, models = result.stdout.splitlines()
    assert connected == f"connected    {edge.api_host} (127.0.0.1:{edge.port})"
    assert re.fullmatch(
        r"certificate  localhost.*, issued by .*throw-away CA, until .+", certificate
    )
    assert re.fullmatch(r"ray id       [0-9a-f]{16}-TST", ray)
    assert re.fullmatch(r"round trip   \d+\.\d ms", trip)
    assert re.fullmatch(r"without key  refused \(403, ray id [0-9a-f]{16}-TST\)", keyless)
    assert models == "models       none downloaded"
    assert leaks(result.output.encode(), [edge.key]) == []


@pytest.mark.lmstudio
def test_check_lists_models(host_edge: Edge, run: Run) -> None:
    """check names the models that the host behind the edge has."""
    variables = {"LMSTUDIO_X_API_KEY": host_edge.key.reveal()}
    result = run("check", "--host", host_edge.api_host, **variables)
    assert result.exit_code == 0, result.stderr
    assert "llama-3.2-1b-instruct" in result.stdout.splitlines()[-1]


def test_check_from_env_file(edge: Edge, run: Run, tmp_path: Path) -> None:
    """check takes host and key from .env; a variable that is set comes before the file's."""
    (tmp_path / ".env").write_text(
        f"LMSTUDIO_CLOUDFLARE_HOST={edge.api_host}\nLMSTUDIO_X_API_KEY={edge.key.reveal()}\n"
    )
    assert run("check").exit_code == 0
    assert "blocked by the firewall" in one_line(run("check", LMSTUDIO_X_API_KEY="wrong"))


def test_check_empty_variables(edge: Edge, run: Run, tmp_path: Path) -> None:
    """Empty variables count as not set: the file's values are used."""
    (tmp_path / ".env").write_text(f"LMSTUDIO_X_API_KEY={edge.key.reveal()}\n")
    assert run("check", "--host", edge.api_host, LMSTUDIO_X_API_KEY="").exit_code == 0


def test_check_ca_file(origin_edge: Edge, run: Run) -> None:
    """--ca-file makes check accept a private CA."""
    options = ("--host", origin_edge.api_host, "--ca-file", origin_edge.ca_file)
    variables = {"LMSTUDIO_X_API_KEY": origin_edge.key.reveal()}
    assert run("check", *options, **variables).exit_code == 0


def test_check_plain_host(origin: RecordingOrigin, run: Run) -> None:
    """check of a host without TLS says so."""
    result = run("check", "--host", origin.address)
    assert "certificate  none: the connection is not encrypted" in result.stdout.splitlines()


def test_check_token(run: Run) -> None:
    """LMSTUDIO_API_TOKEN gets check into a host that wants a token; without it the line says so."""
    with RecordingOrigin(token=TOKEN) as origin:
        assert (
            run("check", "--host", origin.address, LMSTUDIO_API_TOKEN=TOKEN.reveal()).exit_code == 0
        )
        assert one_line(run("check", "--host", origin.address)) == (
            f"check: http://{origin.address}: Authentication failed: LM Studio asks for an API "
            "token, and none was sent: set LMSTUDIO_API_TOKEN"
        )
        other = f"{TOKEN.reveal()[:-1]}x"
        line = one_line(run("check", "--host", origin.address, LMSTUDIO_API_TOKEN=other))
        assert line == (
            f"check: http://{origin.address}: Authentication failed: LM Studio does not accept the "
            "API token in LMSTUDIO_API_TOKEN: look for the right one"
        )


def test_check_no_host(run: Run) -> None:
    """Without a host check says which variable to set."""
    assert one_line(run("check")) == (
        "check: no host: set LMSTUDIO_CLOUDFLARE_HOST (see .env.example) or give --host"
    )


def test_check_no_key(edge: Edge, run: Run) -> None:
    """Without a key check says blocked, with the ray id, and which variable is not set."""
    line = one_line(run("check", "--host", edge.api_host))
    assert re.search(r"blocked by the firewall \(403, ray id [0-9a-f]{16}-TST\)", line)
    assert line.endswith("(LMSTUDIO_X_API_KEY is not set.)")


def test_check_wrong_key(edge: Edge, run: Run) -> None:
    """With a wrong key check says blocked, without showing the key."""
    line = one_line(run("check", "--host", edge.api_host, LMSTUDIO_X_API_KEY=KEY.reveal()))
    assert "blocked by the firewall" in line
    assert leaks(line.encode(), SECRETS) == []


def test_check_challenge(run: Run) -> None:
    """A browser challenge has its own line."""
    answer = Answer("403 Forbidden", (("cf-mitigated", "challenge"), ("cf-ray", "1-FRA")))
    with RecordingOrigin(answer=answer) as origin:
        line = one_line(run("check", "--host", origin.address))
    assert "challenged by the firewall (403, ray id 1-FRA)" in line


def test_check_unknown_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that the resolver does not know has its own line."""

    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    line = one_line(run("check", "--host", "lm.example.com"))
    assert line.startswith("check: lm.example.com: the name is not known")


def test_check_nobody_there(run: Run) -> None:
    """A port on which nobody listens has its own line."""
    with RecordingOrigin() as gone:
        address = gone.address
    line = one_line(run("check", "--host", address))
    assert line.startswith(f"check: 127.0.0.1 port {address.partition(':')[2]}: no connection")


def test_check_no_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that does not answer in time has its own line."""

    async def silent(*args: object, **kwargs: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(anyio, "connect_tcp", silent)
    line = one_line(run("check", "--host", "lm.example.com"))
    assert line.startswith("check: lm.example.com port 443: no answer within 10 s")


def test_check_unknown_ca(origin_edge: Edge, run: Run) -> None:
    """A certificate that is not accepted has its own line, with what to do."""
    line = one_line(run("check", "--host", origin_edge.api_host))
    assert "certificate was not accepted" in line
    assert line.endswith("For a private CA, give --ca-file or set SSL_CERT_FILE.")


def test_check_other_name(make_edge: MakeEdge, run: Run) -> None:
    """A certificate for another name has its own line."""
    edge = make_edge("127.0.0.1:9", certificate=issue("other.example"))
    line = one_line(run("check", "--host", edge.api_host, "--ca-file", edge.ca_file))
    assert "Hostname mismatch" in line
    assert line.endswith("Write the name of the server that its certificate is for.")


def test_check_address_of_the_edge(origin_edge: Edge, run: Run) -> None:
    """The edge's certificate names what its rule lets in: by its address nobody gets to the rule.

    Whoever has the right key would be told there that the key is wrong.
    """
    options = ("--host", f"https://127.0.0.1:{origin_edge.port}", "--ca-file", origin_edge.ca_file)
    line = one_line(run("check", *options, LMSTUDIO_X_API_KEY=origin_edge.key.reveal()))
    assert "certificate was not accepted (IP address mismatch" in line
    assert line.endswith("Write the name of the server that its certificate is for.")


def test_check_name_that_the_embedded_server_refuses(run: Run) -> None:
    """A host name that the embedded server refuses is no matter of the key: the line says so."""
    body = b'{"error": {"message": "no name of this server", "code": "unknown_host"}}'
    with RecordingOrigin(answer=Answer("403 Forbidden", (), body)) as origin:
        line = one_line(run("check", "--host", origin.address, LMSTUDIO_X_API_KEY=KEY.reveal()))
    assert line == (
        f"check: http://{origin.address}/lmstudio-greeting answered 403: it is the embedded server "
        "that refuses the host name, not a firewall that refuses the key; start it with "
        "--allow-host NAME (its log says which name it was asked for)"
    )


def test_check_no_ca_file(edge: Edge, run: Run) -> None:
    """A CA file that is not there has its own line."""
    line = one_line(run("check", "--host", edge.api_host, "--ca-file", "no-such.pem"))
    assert line == "check: --ca-file no-such.pem: no readable CA certificate in PEM format"


def test_check_no_tls(origin: RecordingOrigin, run: Run) -> None:
    """A host that speaks no TLS has its own line."""
    line = one_line(run("check", "--host", f"https://{origin.address}"))
    assert "no TLS connection" in line


def test_check_host_down(make_edge: MakeEdge, run: Run) -> None:
    """A host that is down behind its firewall has its own line."""
    with RecordingOrigin() as gone:
        address = gone.address
    edge = make_edge(address)
    options = ("--host", edge.api_host, "--ca-file", edge.ca_file)
    line = one_line(run("check", *options, LMSTUDIO_X_API_KEY=edge.key.reveal()))
    assert "answered 502: the firewall let the request through" in line


def test_check_not_lm_studio(run: Run) -> None:
    """A server that is no LM Studio has its own line."""
    with RecordingOrigin(answer=Answer("200 OK", (), b"<html>")) as origin:
        line = one_line(run("check", "--host", origin.address))
    assert "does not look like LM Studio" in line


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"LMSTUDIO_X_API_KEY": f"{KEY.reveal()}\n"}, "LMSTUDIO_X_API_KEY must be visible ASCII"),
        (
            {"LMSTUDIO_API_TOKEN": f"{TOKEN.reveal()}!"},
            "LMSTUDIO_API_TOKEN does not look like an API token of LM Studio: sk-lm-<8 characters>",
        ),
        (
            {
                "LMSTUDIO_CF_ACCESS_CLIENT_ID": "id",
                "LMSTUDIO_CF_ACCESS_CLIENT_SECRET": f"{KEY.reveal()}\n",
            },
            "LMSTUDIO_CF_ACCESS_CLIENT_SECRET must be visible ASCII",
        ),
    ],
)
def test_check_malformed(
    variables: dict[str, str], words: str, origin: RecordingOrigin, run: Run
) -> None:
    """A malformed key or token has its own line, which names its variable and does not show it."""
    line = one_line(run("check", "--host", origin.address, **variables))
    assert line.startswith(f"check: {words}")
    assert leaks(line.encode(), SECRETS) == []


def test_check_malformed_host(run: Run) -> None:
    """A malformed host has its own line, which says where it was set."""
    line = one_line(run("check", "--host", "h:99999"))
    assert line.startswith("check: --host: the port must be ")
    line = one_line(run("check", LMSTUDIO_CLOUDFLARE_HOST="h:99999"))
    assert line.startswith("check: LMSTUDIO_CLOUDFLARE_HOST: the port must be ")


@pytest.mark.parametrize("command", ["check", "rule", "serve"])
def test_empty_host(command: str, run: Run) -> None:
    """An empty --host is refused: it does not mean the host that is configured."""
    result = run(command, "--host", "", LMSTUDIO_CLOUDFLARE_HOST="lm.example.com")
    assert result.exit_code == 2
    assert "Invalid value for '--host': it is empty; give a host, or leave the" in result.stderr
