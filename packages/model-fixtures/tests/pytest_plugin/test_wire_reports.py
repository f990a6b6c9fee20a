"""What a failed test shows of its traffic, in runs of pytest against a host without models."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest
from model_fixtures.hosts.background_server import BackgroundServer
from model_fixtures.hosts.process_identity import start_mark
from msgspec.json import encode

from ..fake_host import FakeHost  # noqa: TID252 (tests are not an importable package)
from .conftest import Suite

IDENTIFIER, PASSKEY = "Abcd1234", "Passkey0Passkey0Pass"
TOKEN = f"sk-lm-{IDENTIFIER}:{PASSKEY}"

SYNC = """
    import lmstudio
    import pytest

    @pytest.fixture(scope="module")
    def client(lmstudio_host):
        with lmstudio.Client(lmstudio_host) as client:
            yield client

    def test_before(client):
        client.list_downloaded_models()

    def test_fails(client):
        client.embedding.list_loaded()
        assert client.list_downloaded_models() == "other models"
"""
ASYNC = """
    import lmstudio
    import pytest

    @pytest.fixture(scope="session")
    def anyio_backend():
        return "asyncio"

    @pytest.mark.anyio
    async def test_fails(lmstudio_host):
        async with lmstudio.AsyncClient(lmstudio_host) as client:
            with pytest.raises(lmstudio.LMStudioServerError):
                await client.llm.load_new_instance("some-model")
            assert await client.list_downloaded_models() == "other models"
"""
LATE_IMPORT = """
    def test_fails(lmstudio_host):
        import lmstudio

        with lmstudio.Client(lmstudio_host) as client:
            assert client.list_downloaded_models() == "other models"
"""
IN_SETUP = """
    import lmstudio
    import pytest

    @pytest.fixture
    def models(lmstudio_host):
        with lmstudio.Client(lmstudio_host) as client:
            assert client.list_downloaded_models() == "other models"

    def test_fails(models):
        pass
"""
LONG = """
    import lmstudio

    def test_fails(lmstudio_host):
        with lmstudio.Client(lmstudio_host) as client:
            for number in range(400):
                client.llm.list_loaded()
            assert client.list_downloaded_models() == "other models"
"""
FAILS_WITHOUT_TRAFFIC = """
    def test_fails():
        assert 1 == 2
"""
SECRETS = """
    import json
    from pathlib import Path
    import lmstudio

    def test_fails(lmstudio_host):
        with lmstudio.Client(lmstudio_host) as client:
            client._auth_details = json.loads(Path("auth").read_text())
            client.repository.search_models("anything")
"""

LINE = re.compile(
    r" *(?P<seconds>\+\d+\.\d{3}) \[(?P<connection>\d+)\] (?P<where>\S+) (?P<arrow>->|<-|--) "
    r"(?P<text>.*)"
)


def shown(text: str) -> list[re.Match[str]]:
    """Return the lines of wire logs in the output of a run."""
    return [match for line in text.splitlines() if (match := LINE.fullmatch(line))]


def summary(lines: list[re.Match[str]]) -> list[str]:
    """Return endpoint, direction and kind of message of each line."""
    found = []
    for line in lines:
        text = line["text"]
        message = json.loads(text) if text.startswith("{") else {}
        kind = message.get("type") or ("auth" if message else text.split()[0])
        found.append(f"{line['where']} {line['arrow']} {kind}")
    return found


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["serial", "worker"])
def test_frames_of_a_sync_client(
    suite: Suite, fake_host: FakeHost, workers: tuple[str, ...]
) -> None:
    """A failed test shows its own frames in order, not those of a test before it."""
    suite.write(SYNC)
    outcome = suite.run("--lmstudio-host", fake_host.address, *workers)
    assert outcome.counts == {"failed": 1, "passed": 1}, outcome.text
    assert "- lmstudio wire log -" in outcome.text
    lines = shown(outcome.text)
    assert summary(lines) == [
        "embedding -- opened",
        "embedding -> auth",
        "embedding <- auth",
        "embedding.listLoaded -> rpcCall",
        "embedding.listLoaded <- rpcResult",
        "system.listDownloadedModels -> rpcCall",
        "system.listDownloadedModels <- rpcResult",
    ]
    seconds = [float(line["seconds"]) for line in lines]
    assert seconds == sorted(seconds)
    assert f"opened ws://{fake_host.address}/embedding" in lines[0]["text"]


def test_frames_of_an_async_client(suite: Suite, fake_host: FakeHost) -> None:
    """Packets of channels are shown with the channel's endpoint, and the end of connections."""
    fake_host.load_errors["some-model"] = "No such model"
    suite.write(ASYNC)
    outcome = suite.run("--lmstudio-host", fake_host.address)
    assert outcome.counts == {"failed": 1}, outcome.text
    found = summary(shown(outcome.text))
    assert [line for line in found if line.startswith("llm")] == [
        "llm -- opened",
        "llm -> auth",
        "llm <- auth",
        "llm.loadModel -> channelCreate",
        "llm.loadModel <- channelError",
        "llm -- closed",
    ]
    assert "system.listDownloadedModels <- rpcResult" in found


@pytest.mark.parametrize("test", [LATE_IMPORT, IN_SETUP], ids=["late-import", "setup"])
def test_frames_from_the_beginning(suite: Suite, fake_host: FakeHost, test: str) -> None:
    """Frames are there if the test imports the SDK itself, and if a fixture fails."""
    suite.write(test)
    outcome = suite.run("--lmstudio-host", fake_host.address)
    assert outcome.counts in ({"failed": 1}, {"error": 1}), outcome.text
    assert "system.listDownloadedModels <- rpcResult" in summary(shown(outcome.text))


def test_nothing_to_show(suite: Suite, fake_host: FakeHost) -> None:
    """A failed test without traffic, and a test that passes, show no sections."""
    suite.write(FAILS_WITHOUT_TRAFFIC)
    suite.write(SYNC.replace('"other models"', "[]").replace("assert", "assert 1 or"), "test_b.py")
    outcome = suite.run("--lmstudio-host", fake_host.address)
    assert outcome.counts == {"failed": 1, "passed": 2}, outcome.text
    assert "wire log" not in outcome.text
    assert "server log" not in outcome.text


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["serial", "worker"])
def test_long_logs(suite: Suite, fake_host: FakeHost, workers: tuple[str, ...]) -> None:
    """Of a long log the report has both ends and says how to see all; the file has all."""
    suite.write(LONG)
    outcome = suite.run("--lmstudio-host", fake_host.address)
    assert 200 < len(shown(outcome.text)) < 300
    assert "frames left out) ..." in outcome.text
    assert "--lmstudio-wire-log=FOLDER writes it whole to a file for each test" in outcome.text
    options = ("--lmstudio-wire-log", "logs", *workers)
    outcome = suite.run("--lmstudio-host", fake_host.address, *options)
    (file,) = (suite.folder / "logs").iterdir()
    assert f"the whole wire log is in {file}" in outcome.text
    text = file.read_text(encoding="utf-8")
    assert text.startswith("test_it.py::test_fails\n")
    found = summary(shown(text))
    assert found.count("llm.listLoaded <- rpcResult") == 400


def test_files_of_tests_that_pass(suite: Suite, fake_host: FakeHost) -> None:
    """With the option, each test with frames has a file, also one that passes."""
    suite.write(SYNC)
    suite.write(FAILS_WITHOUT_TRAFFIC, "test_b.py")
    suite.run("--lmstudio-host", fake_host.address, "--lmstudio-wire-log", "logs")
    names = [path.name for path in sorted((suite.folder / "logs").iterdir())]
    assert [name.rpartition("-")[0] for name in names] == [
        "test_it.py-test_before",
        "test_it.py-test_fails",
    ]


def test_folder_that_cannot_be_made(suite: Suite) -> None:
    """A folder that cannot be made ends the run before its first test, with one line."""
    suite.write(FAILS_WITHOUT_TRAFFIC)
    (suite.folder / "logs").touch()
    outcome = suite.run("--lmstudio-host", "embedded", "--lmstudio-wire-log", "logs")
    assert outcome.code == pytest.ExitCode.USAGE_ERROR
    problem = f"--lmstudio-wire-log: cannot make the folder {suite.folder / 'logs'} (File exists)"
    assert f"ERROR: {problem}: name another" in outcome.lines


def test_runs_without_a_host(suite: Suite) -> None:
    """A run that passes without a host and without the SDK imports nothing for all that."""
    suite.write("""
        import sys

        def test_imports():
            assert not {"httpx_ws", "model_fixtures.wire_log"} & sys.modules.keys()
    """)
    outcome = suite.run("--lmstudio-host", "embedded")
    assert outcome.counts == {"passed": 1}, outcome.text


def test_secrets_are_masked(suite: Suite, fake_host: FakeHost) -> None:
    """Neither report nor file shows a passkey, in the packet that has it or anywhere else."""
    auth = {"authVersion": 1, "clientIdentifier": IDENTIFIER, "clientPasskey": PASSKEY}
    suite.write(SECRETS)
    (suite.folder / "auth").write_text(json.dumps(auth))
    suite.environ["LMSTUDIO_API_TOKEN"] = TOKEN
    fake_host.search_results = [{"name": f"{TOKEN} {PASSKEY}"}]
    options = ("--lmstudio-wire-log", "logs", "--tb=line", "-n", "1")
    outcome = suite.run("--lmstudio-host", fake_host.address, *options)
    assert outcome.counts == {"failed": 1}, outcome.text
    (file,) = (suite.folder / "logs").iterdir()
    for text in (outcome.text, file.read_text(encoding="utf-8")):
        (packet,) = [line["text"] for line in shown(text) if "authVersion" in line["text"]]
        assert json.loads(packet) == {**auth, "clientPasskey": "***"}
        assert PASSKEY not in text


def test_log_of_a_server_in_the_background(
    suite: Suite, fake_host: FakeHost, tmp_path: Path
) -> None:
    """Of a server in the background, a failed test shows the log lines of its time."""
    state = tmp_path / "state" / "lmstudio-model-fixtures"
    state.mkdir(parents=True)
    log = state / "server.log"
    mark = start_mark(os.getpid())
    assert mark is not None
    addresses = ("127.0.0.1:1", fake_host.address)
    server = BackgroundServer(os.getpid(), mark, str(log), addresses)
    (state / "server.json").write_bytes(encode(server))
    suite.environ["XDG_STATE_HOME"] = str(tmp_path / "state")
    stamps = [
        time.strftime("%Y-%m-%d %H:%M:%S,000", time.localtime(moment))
        for moment in (time.time() - 3600, time.time() + 3600)
    ]
    log.write_text(
        f"{stamps[0]} INFO an hour ago\n{stamps[1]} INFO {TOKEN} during the test\nmore\n"
    )
    suite.write(SYNC)
    for workers in ((), ("-n", "1")):
        outcome = suite.run("--lmstudio-host", fake_host.address, "-k", "fails", *workers)
        section = outcome.text.partition("- lmstudio server log -")[2]
        assert f"{fake_host.address}:" in section
        # once in the test's section, once at the end of the run
        assert outcome.text.count("INFO sk-lm-*** during the test\nmore\n") == 2, outcome.text
        assert "an hour ago" not in outcome.text


def test_log_that_is_not_in_reach(suite: Suite, fake_host: FakeHost) -> None:
    """Of any other host, the report says why there are no log lines."""
    suite.write(LATE_IMPORT)
    outcome = suite.run("--lmstudio-host", fake_host.address)
    assert f"the log of {fake_host.address} is not in reach" in outcome.text


@pytest.mark.usefixtures("weights")
def test_log_of_the_embedded_server(suite: Suite) -> None:
    """Of the embedded server, a test shows the lines of its time, or that there are none."""
    suite.write(LATE_IMPORT, "test_quiet.py")
    suite.write("""
        import lmstudio

        import anyio
        from model_fixtures.wire_client import connect

        async def notify(address, title):
            async with connect(address, "system") as system:
                await system.rpc("notify", {"title": title, "description": ""})

        def test_before(lmstudio_host):
            anyio.run(notify, lmstudio_host, "A moment ago")

        def test_fails(lmstudio_host):
            anyio.run(notify, lmstudio_host, "Look here")
            with lmstudio.Client(lmstudio_host) as client:
                assert client.list_downloaded_models() == "other models"
    """)
    outcome = suite.run("--lmstudio-host", "embedded", "-n", "1")
    assert outcome.counts == {"failed": 2, "passed": 1}, outcome.text
    loud, _, rest = outcome.text.partition("_ test_fails _")[2].partition("_ test_fails _")
    quiet, _, end = rest.partition("embedded server's log, last lines")
    assert "INFO notification: Look here" in loud
    assert "A moment ago" not in loud
    assert "the embedded server has logged nothing since the test's start" in quiet
    assert "INFO notification: A moment ago" in end
