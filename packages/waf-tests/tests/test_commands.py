"""The commands check, rule and serve, as a user runs them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest
from octorules_wirefilter import parse_expression
from waf_tests.client import Client
from waf_tests.commands.shell_quoting import command_line
from waf_tests.edge import Edge
from waf_tests.edge.certificates import issue
from waf_tests.edge.reserved_port import ReservedPort
from waf_tests.secret import Secret
from waf_tests.testing.recording_origin import Answer, RecordingOrigin
from waf_tests.testing.run_in_process import Run, one_line
from waf_tests.testing.secret_scan import halves, leaks

KEY = Secret("key-of-the-commands")
TOKEN = Secret("sk-lm-abcdEFGH:abcdefghij0123456789")
SECRETS = (KEY, *halves(TOKEN))

MakeEdge = Callable[..., Edge]


# --- check


def test_check(edge: Edge, run: Run) -> None:
    """check says where it connected, by which certificate, with which ray id, how fast, to what."""
    result = run("check", "--host", edge.api_host, LMSTUDIO_X_API_KEY=edge.key.reveal())
    assert result.exit_code == 0, result.stderr
    connected, certificate, ray, trip, models = result.stdout.splitlines()
    assert connected == f"connected    {edge.api_host} (127.0.0.1:{edge.port})"
    assert re.fullmatch(
        r"certificate  localhost.*, issued by .*throw-away CA, until .+", certificate
    )
    assert re.fullmatch(r"ray id       [0-9a-f]{16}-TST", ray)
    assert re.fullmatch(r"round trip   \d+\.\d ms", trip)
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
        assert "Authentication failed" in one_line(run("check", "--host", origin.address))


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
    assert "SSL_CERT_FILE" in line


def test_check_other_name(make_edge: MakeEdge, run: Run) -> None:
    """A certificate for another name has its own line."""
    edge = make_edge("127.0.0.1:9", certificate=issue("other.example"))
    line = one_line(run("check", "--host", edge.api_host, "--ca-file", edge.ca_file))
    assert "Hostname mismatch" in line


def test_check_no_ca_file(edge: Edge, run: Run) -> None:
    """A CA file that is not there has its own line."""
    line = one_line(run("check", "--host", edge.api_host, "--ca-file", "no-such.pem"))
    assert "ca_file no-such.pem: no readable CA certificate" in line


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
        ({"LMSTUDIO_X_API_KEY": f"{KEY.reveal()}\n"}, "visible ASCII"),
        ({"LMSTUDIO_API_TOKEN": f"{TOKEN.reveal()}!"}, "does not look like"),
    ],
)
def test_check_malformed(
    variables: dict[str, str], words: str, origin: RecordingOrigin, run: Run
) -> None:
    """A malformed key or token has its own line, and is not in it."""
    line = one_line(run("check", "--host", origin.address, **variables))
    assert words in line
    assert leaks(line.encode(), SECRETS) == []


def test_check_malformed_host(run: Run) -> None:
    """A malformed host has its own line."""
    assert "api_host: the port must be" in one_line(run("check", "--host", "h:99999"))


# --- rule


def test_rule(run: Run) -> None:
    """rule prints one expression that Cloudflare's engine accepts, without the key."""
    result = run("rule", "--host", "lm.example.com", LMSTUDIO_X_API_KEY=KEY.reveal())
    assert result.exit_code == 0
    (expression,) = result.stdout.splitlines()
    assert "error" not in parse_expression(expression)
    assert '"lm.example.com"' in expression
    assert leaks(result.output.encode(), [KEY]) == []
    assert "--show-key" in result.stderr


def test_rule_with_key(run: Run) -> None:
    """--show-key writes the key into the expression, ready to deploy."""
    result = run("rule", "--host", "lm.example.com", "--show-key", LMSTUDIO_X_API_KEY=KEY.reveal())
    assert KEY.reveal() in parse_expression(result.stdout.strip())["string_literals"]
    assert result.stderr == ""


def test_rule_without_a_key_to_show(run: Run) -> None:
    """--show-key without a key says which variable to set."""
    line = one_line(run("rule", "--host", "lm.example.com", "--show-key"))
    assert line == "rule: --show-key: set LMSTUDIO_X_API_KEY (see .env.example)"


def test_rule_bad_host(run: Run) -> None:
    """A host with a scheme is refused in one line."""
    line = one_line(run("rule", "--host", "https://lm.example.com"))
    assert line == "rule: --host: a host name is needed, without scheme, port or path"


def test_rule_from_env_file(run: Run, tmp_path: Path) -> None:
    """Without --host, rule takes the host's name from .env, also out of a URL; --host is first."""
    lines = {
        "lm.example.com": '"lm.example.com"',
        "https://LM.example.com:8443": '"lm.example.com"',
    }
    for value, literal in lines.items():
        (tmp_path / ".env").write_text(f"LMSTUDIO_CLOUDFLARE_HOST={value}\n")
        result = run("rule")
        assert result.exit_code == 0, result.stderr
        assert literal in result.stdout
        assert '"other.example"' in run("rule", "--host", "other.example").stdout


def test_rule_no_host(run: Run) -> None:
    """Without a host rule says which variable to set; one that is none is named with its fault."""
    assert one_line(run("rule")) == (
        "rule: no host: set LMSTUDIO_CLOUDFLARE_HOST (see .env.example) or give --host"
    )
    line = one_line(run("rule", LMSTUDIO_CLOUDFLARE_HOST="ftp://lm.example.com"))
    assert line.startswith("rule: LMSTUDIO_CLOUDFLARE_HOST: ")


BAD_KEYS = [f"{KEY.reveal()}\n", f"{KEY.reveal()} ", f"schl\xfcssel-{KEY.reveal()}", "k" * 1001]


@pytest.mark.parametrize("key", BAD_KEYS)
@pytest.mark.parametrize(
    ("command", "options"),
    [("rule", ("--host", "lm.example.com", "--show-key")), ("serve", ("--host", "127.0.0.1:9"))],
)
def test_bad_keys_refused(command: str, options: tuple[str, ...], key: str, run: Run) -> None:
    """rule and serve refuse a key that no client can send, in one line that does not show it."""
    # No host is there: a serve that took the key would end with words about that.
    result = run(command, *options, LMSTUDIO_X_API_KEY=key)
    assert one_line(result).startswith(f"{command}: LMSTUDIO_X_API_KEY must be ")
    assert leaks(result.output.encode(), [KEY, Secret(key)]) == []


# --- serve


@contextmanager
def _serve(
    arguments: Sequence[str], folder: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Run serve; it ends with the test, also with one that fails."""
    with subprocess.Popen(
        [sys.executable, "-m", "waf_tests", "serve", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _words(process: subprocess.Popen[str]) -> dict[str, str]:
    """Return what serve prints, up to its last line."""
    assert process.stdout is not None
    words: dict[str, str] = {}
    for line in process.stdout:
        if line.startswith("Ctrl-C"):
            return words
        name, _, value = line.partition("  ")
        words[name] = value.strip()
    raise AssertionError(f"serve ended: {process.stderr.read() if process.stderr else ''}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve(
    number: signal.Signals,
    origin: RecordingOrigin,
    tmp_path: Path,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """serve prints URL, CA file and a key of its own; with them a client gets in, until Ctrl-C."""
    with _serve(["--host", origin.address], tmp_path, environ) as process:
        words = _words(process)
        ca_file = Path(words["ca file"])
        monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
        with Client(words["url"], x_api_key=words["key"]) as client:
            assert list(client.list_downloaded_models()) == []
        process.send_signal(number)
        assert process.wait() == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert not ca_file.exists()


def test_serve_given_key(
    origin: RecordingOrigin,
    tmp_path: Path,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """serve uses the key of the environment and does not print it."""
    environ["LMSTUDIO_X_API_KEY"] = KEY.reveal()
    with _serve(["--host", origin.address], tmp_path, environ) as process:
        words = _words(process)
        assert "key" not in words
        assert leaks(repr(words).encode(), [KEY]) == []
        monkeypatch.setenv("SSL_CERT_FILE", words["ca file"])
        client = Client(words["url"], x_api_key=KEY.reveal())
        with client:
            assert list(client.list_downloaded_models()) == []
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0


@pytest.mark.skipif(os.name == "nt", reason="the line is for POSIX shells")
@pytest.mark.parametrize("given", [False, True])
def test_serve_line_to_try(
    given: bool, origin: RecordingOrigin, tmp_path: Path, environ: dict[str, str]
) -> None:
    """The "try" line works in a fresh shell somewhere else; it asks for a key that was given."""
    arguments = ["--host", origin.address]
    if given:
        environ["LMSTUDIO_X_API_KEY"] = KEY.reveal()
    with _serve(arguments, tmp_path, environ) as process:
        line = _words(process)["try"]
        assert leaks(line.encode(), [KEY]) == []
        shell = subprocess.run(
            ["sh", "-c", line],
            cwd="/",
            env={"PATH": os.defpath, "HOME": str(tmp_path)},
            input=f"{KEY.reveal()}\n" if given else "",
            capture_output=True,
            text=True,
        )
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    assert shell.returncode == 0, shell.stderr
    assert "connected    https://localhost:" in shell.stdout


def test_serve_port(
    origin: RecordingOrigin,
    tmp_path: Path,
    environ: dict[str, str],
) -> None:
    """--port chooses the port; a second serve on it ends with one line."""
    with ReservedPort() as free:
        port = free.number
    arguments = ["--host", origin.address, "--port", str(port)]
    with _serve(arguments, tmp_path, environ) as process:
        assert _words(process)["url"] == f"https://localhost:{port}"
        with _serve(arguments, tmp_path, environ) as second:
            output, errors = second.communicate()
        assert second.returncode == 1
        assert "url" not in output
        (line,) = errors.splitlines()
        assert line.startswith(f"serve: port {port}: ")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0


def test_command_lines_quote() -> None:
    """Whatever is in a key, a shell takes it literally; nothing of the line runs by itself."""
    nasty = "a'b\"c $(touch x)`y`;|&\\"
    posix = command_line(["printenv", "K"], variable="K", value=nasty, windows=False)
    if os.name != "nt":
        shown = subprocess.run(["sh", "-c", posix], capture_output=True, text=True, check=True)
        assert shown.stdout == f"{nasty}\n"
    assert command_line(["a b", "c'd"], variable="K", value="e'f", windows=True) == (
        "$env:K = 'e''f'; & 'a b' 'c''d'"
    )
    assert command_line(["a"], variable="K", value=None, windows=True) == (
        "$env:K = Read-Host K; & 'a'"
    )


def test_serve_nobody_there(tmp_path: Path, environ: dict[str, str]) -> None:
    """serve before a host that does not answer ends with one line."""
    with RecordingOrigin() as gone:
        address = gone.address
    with _serve(["--host", address], tmp_path, environ) as process:
        output, errors = process.communicate()
    assert process.returncode == 1
    assert output == ""
    assert len(errors.splitlines()) == 1
    assert errors.startswith("serve: ")
