"""A test run with failures writes no key and no token anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from waf_tests.secret import Secret
from waf_tests.testing.pytest_subprocess import run_pytest
from waf_tests.testing.secret_scan import halves, leaking_files, leaks

KEY = Secret("Wq7-key_of_the_inner_run-0xYz")
TOKEN = Secret("sk-lm-Inn3rRun:Zy9Xw8Vu7Ts6Rq5Po4Nm")
SECRETS = (KEY, *halves(TOKEN))

pytestmark = pytest.mark.usefixtures("planner")

# These tests fail in all ways in which tests with keys fail, so that reports have much to show.
INNER = """
import os, tempfile
from pathlib import Path
import pytest
from waf_tests.client import AsyncClient, Client
from waf_tests.edge import Edge
from waf_tests.secret import Secret
from waf_tests.testing.recording_origin import RecordingOrigin
from waf_tests.testing.secret_scan import halves, leaking_files, leaks, process_arguments

KEY = Secret(os.environ["LMSTUDIO_X_API_KEY"])
TOKEN = Secret(os.environ["LMSTUDIO_API_TOKEN"])

class NotRefusedError(Exception):
    "This SDK has accepted what our client refuses; the test fails all the same."

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
    raise NotRefusedError

def test_fails_websocket_blocked(edge):
    client = Client(edge.api_host, x_api_key=KEY.reveal()[::-1])
    client.list_downloaded_models()
    raise NotRefusedError

def test_fails_refused(edge):
    Client(edge.api_host, TOKEN.reveal()[:-3] + "000").list_downloaded_models()
    raise NotRefusedError

def test_fails_malformed_token(edge):
    Client(edge.api_host, TOKEN.reveal() + "!")
    raise NotRefusedError

def test_fails_malformed_header(edge):
    Client(edge.api_host, x_api_key=KEY.reveal() + "\\n")
    raise NotRefusedError

def test_fails_malformed_name(edge):
    Client(edge.api_host, http_headers={"X-API-Key: " + KEY.reveal(): "x"})
    raise NotRefusedError

def test_fails_unreachable():
    Client("127.0.0.1:9", TOKEN.reveal(), x_api_key=KEY.reveal()).__enter__()
    raise NotRefusedError

def test_fails_bad_certificate(edge, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    Client(edge.api_host).__enter__()
    raise NotRefusedError

def test_fails_bad_certificate_on_websocket(edge, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    Client(edge.api_host).list_downloaded_models()
    raise NotRefusedError

@pytest.mark.anyio
async def test_fails_async(edge):
    async with AsyncClient(edge.api_host, TOKEN.reveal(), x_api_key=KEY.reveal()) as client:
        await client.llm.unload("nothing")
    raise NotRefusedError

@pytest.mark.anyio
async def test_fails_async_blocked(edge):
    async with AsyncClient(edge.api_host, TOKEN.reveal(), x_api_key=KEY.reveal()[::-1]):
        pass
    raise NotRefusedError

def test_fails_host_down(edge):
    edge.settings
    with RecordingOrigin() as gone:
        address = gone.address
    with Edge(address, key=KEY) as down:
        with Client(down.api_host, ca_file=down.ca_file):
            pass
    raise NotRefusedError
"""
LOOKS = "test_passes_and_looks_while_the_edge_runs"


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Provide the folder for temporary files of an inner run, beside what pytest itself writes."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def variables(temporary: Path) -> dict[str, str]:
    """Provide the environment of an inner run: keys, and a place for all files."""
    return {
        "LMSTUDIO_X_API_KEY": KEY.reveal(),
        "LMSTUDIO_API_TOKEN": TOKEN.reveal(),
        "TMPDIR": str(temporary),
        "HOME": str(temporary),
    }


@pytest.mark.slow
@pytest.mark.parametrize("options", [["--tb=long"], ["--tb=long", "--full-trace"], ["--tb=native"]])
def test_run_writes_no_secret(
    options: list[str], tmp_path: Path, temporary: Path, variables: dict[str, str]
) -> None:
    """A run shows no secret in its output, its files or the arguments of its processes."""
    (tmp_path / "test_inner.py").write_text(INNER)
    results = "--lmstudio-results=results.json"
    run = run_pytest(tmp_path, [*options, results, "--rootdir=.", "test_inner.py"], variables)
    outcomes = dict(run.outcomes["test_inner.py"])
    # How the other tests fail depends on the SDK, but all of them do.
    assert outcomes.pop(LOOKS) == "passed", run.output.decode()
    assert set(outcomes.values()) == {"failed"}
    assert len(outcomes) == INNER.count("def test_fails")
    assert leaks(run.output, SECRETS) == []
    assert {path.name for path in tmp_path.iterdir()} >= {"run.log", "run.xml", "results.json"}
    assert leaking_files(tmp_path, SECRETS) == []
    assert [path for path in temporary.iterdir() if path.name.startswith("waf-")] == []
