"""A whole test run, with failures in it, writes no key and no token anywhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from waf_tests.secret import Secret
from waf_tests.testing.scan import halves, leaking_files, leaks

KEY = Secret("Wq7-key_of_the_inner_run-0xYz")
TOKEN = Secret("sk-lm-Inn3rRun:Zy9Xw8Vu7Ts6Rq5Po4Nm")
SECRETS = (KEY, *halves(TOKEN))

# Fails in every way in which a test with keys fails, so that reports have something to show.
INNER = """
import os, tempfile
from pathlib import Path
import pytest
from waf_tests.client import AsyncClient, Client
from waf_tests.edge import Edge
from waf_tests.secret import Secret
from waf_tests.testing.origin import RecordingOrigin
from waf_tests.testing.scan import halves, leaking_files, leaks, process_arguments

KEY = Secret(os.environ["LMSTUDIO_X_API_KEY"])
TOKEN = Secret(os.environ["LMSTUDIO_API_TOKEN"])

@pytest.fixture(scope="session")
def origin():
    with RecordingOrigin(token=TOKEN) as running:
        yield running

@pytest.fixture(scope="session")
def edge(origin):
    with Edge(origin.address, key=KEY) as running:
        os.environ["SSL_CERT_FILE"] = str(running.ca_file)
        yield running

def test_passes_and_looks_while_the_edge_runs(edge):
    with Client(edge.api_host) as client:
        assert list(client.list_downloaded_models()) == []
        secrets = (KEY, *halves(TOKEN))
        assert leaking_files(Path(tempfile.gettempdir()), secrets) == []
        assert leaks(process_arguments(), secrets) == []

def test_fails_with_everything_in_sight(edge, origin):
    client = Client(edge.api_host, TOKEN.reveal(), {"X-Other": KEY.reveal()}, KEY.reveal())
    with client:
        models = client.list_downloaded_models()
        assert (client, models, edge, edge.settings, KEY, TOKEN, vars(client)) == origin

def test_fails_blocked(edge):
    Client(edge.api_host, x_api_key=KEY.reveal()[::-1]).__enter__()

def test_fails_websocket_blocked(edge):
    client = Client(edge.api_host, x_api_key=KEY.reveal()[::-1])
    client.list_downloaded_models()

def test_fails_refused(edge):
    Client(edge.api_host, TOKEN.reveal()[:-3] + "000").list_downloaded_models()

def test_fails_malformed_token(edge):
    Client(edge.api_host, TOKEN.reveal() + "!")

def test_fails_malformed_header(edge):
    Client(edge.api_host, x_api_key=KEY.reveal() + "\\n")

def test_fails_malformed_name(edge):
    Client(edge.api_host, http_headers={"X-API-Key: " + KEY.reveal(): "x"})

def test_fails_unreachable():
    Client("127.0.0.1:9", TOKEN.reveal(), x_api_key=KEY.reveal()).__enter__()

def test_fails_bad_certificate(edge, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    Client(edge.api_host).__enter__()

def test_fails_bad_certificate_on_websocket(edge, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    Client(edge.api_host).list_downloaded_models()

@pytest.mark.anyio
async def test_fails_async(edge):
    async with AsyncClient(edge.api_host, TOKEN.reveal(), x_api_key=KEY.reveal()) as client:
        await client.llm.unload("nothing")

@pytest.mark.anyio
async def test_fails_async_blocked(edge):
    async with AsyncClient(edge.api_host, TOKEN.reveal(), x_api_key=KEY.reveal()[::-1]):
        pass

def test_fails_host_down(edge):
    edge.settings
    with RecordingOrigin() as gone:
        address = gone.address
    with Edge(address, key=KEY) as down:
        with Client(down.api_host, ca_file=down.ca_file):
            pass
"""
FAILURES = len(re.findall(r"def test_fails", INNER))


@pytest.mark.slow
@pytest.mark.parametrize("style", ["long", "native"])
def test_run_writes_no_secret(style: str, tmp_path: Path) -> None:
    """Output, log and JUnit files, temporary files and process arguments of a run are clean."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / "test_inner.py").write_text(INNER)
    # A worker of a parallel run is told so by variables, which are not for the inner run.
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {
        **outer,
        "LMSTUDIO_X_API_KEY": KEY.reveal(),
        "LMSTUDIO_API_TOKEN": TOKEN.reveal(),
        "TMPDIR": str(temporary),
        "HOME": str(temporary),
    }
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-vv"),
            *(f"--tb={style}", "--showlocals", "--log-level=DEBUG", "--rootdir=."),
            *("--log-file=run.log", "--junitxml=run.xml", "test_inner.py"),
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=False,
    )
    output = run.stdout + run.stderr
    assert f"{FAILURES} failed, 1 passed".encode() in output
    assert leaks(output, SECRETS) == []
    assert {path.name for path in tmp_path.iterdir()} >= {"run.log", "run.xml"}
    assert leaking_files(tmp_path, SECRETS) == []
    assert [path for path in temporary.iterdir() if path.name.startswith("waf-")] == []
