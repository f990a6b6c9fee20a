"""Commands for the suite's models."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from model_fixtures import host_models
from model_fixtures.catalog import read_catalog
from model_fixtures.cli.model_commands import load_models
from model_fixtures.hosts import HostSelection, background_server

from ..fake_host import FakeHost, info, instance  # noqa: TID252 (tests are not an importable package)
from ..server.tiny_gguf import write_gguf  # noqa: TID252
from .conftest import Run

REQUIRED = [model.key for model in read_catalog().required]
FREE_PORT = ("--port", "0", "--no-default-ports")


def test_delete_below_the_servers_home(tmp_path: Path, run: Run) -> None:
    """`delete --home` deletes files of a server with that option, and their folders."""
    file = write_gguf(tmp_path / "models/tests/small-GGUF/small-Q8_0.gguf")
    code, _, err = run("delete", "small", "--home", str(tmp_path / "elsewhere"))
    assert (code, len(err)) == (1, 1)
    assert file.is_file()
    assert run("delete", "small", "--home", str(tmp_path)) == (0, [f"deleted {file}"], [])
    assert not file.parent.exists()


def test_load(host: FakeHost, run: Run) -> None:
    """`load` names the host and each loaded model, and exits with 0."""
    code, out, err = run("load", "--host", host.address)
    assert (code, err) == (0, [])
    assert out[0] == f"host: {host.address} (named by --host)"
    assert sorted(out[1:]) == sorted(f"loaded {key}" for key in REQUIRED)
    assert sorted(each["identifier"] for each in host.loaded) == sorted(REQUIRED)


def test_load_calls_out_extra_models(host: FakeHost, run: Run) -> None:
    """Other loaded models are named, with what they break; they are not a failure."""
    host.loaded = [instance("other", "pub/Other-GGUF/other.gguf")]
    code, out, _ = run("load", "--host", host.address)
    assert code == 0
    assert out[-2:] == [
        "extra: other (llm, other)",
        "extra loaded models break tests that query loaded models: unload them",
    ]


def test_load_fails_for_missing_models(host: FakeHost, run: Run) -> None:
    """A model that is not downloaded leads to exit code 1 and one line with the command."""
    host.downloaded = [each for each in host.downloaded if each["modelKey"] != REQUIRED[0]]
    code, out, err = run("load", "--host", host.address)
    assert code == 1
    assert err == [f"error: {host.address} has no {REQUIRED[0]}: run `model-fixtures download`"]
    assert len(out) == len(REQUIRED)


def test_load_fails_when_a_model_does(host: FakeHost, run: Run) -> None:
    """A model that cannot be loaded leads to exit code 1 and one line with the host's reason."""
    host.load_errors[REQUIRED[1]] = "Not enough memory"
    code, _, err = run("load", "--host", host.address)
    assert code == 1
    assert err == [f"error: {REQUIRED[1]}: loadModel: Not enough memory"]


def test_load_starts_a_server_if_no_host_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a host, `load` starts the embedded server in the background."""
    assert load_models(HostSelection(None, "no host answers"), FREE_PORT) == 0
    server = background_server.running()
    assert server is not None
    lines = capsys.readouterr().out.splitlines()
    assert f"started the embedded server in the background (log: {server.log})" in lines
    assert f"host: {server.addresses[0]} (no host answers)" in lines
    assert sorted(lines[-4:]) == sorted(f"loaded {key}" for key in REQUIRED)


def test_a_server_that_was_started_for_nothing_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """When loading is interrupted, the server that was started for it is stopped."""

    async def interrupted(*_: object) -> None:
        assert background_server.running() is not None
        raise KeyboardInterrupt

    monkeypatch.setattr(host_models, "load", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_models(HostSelection(None, "no host answers"), FREE_PORT)
    assert background_server.running() is None


def test_unload(host: FakeHost, run: Run) -> None:
    """`unload` names what it unloads and leaves other models loaded."""
    host.loaded = [
        instance(REQUIRED[1], "x/y/z.gguf", identifier="mine"),
        instance("other", "pub/Other-GGUF/other.gguf"),
    ]
    assert run("unload", "--host", host.address) == (
        0,
        [f"host: {host.address} (named by --host)", "unloaded mine"],
        [],
    )
    assert [each["identifier"] for each in host.loaded] == ["other"]
    _, out, _ = run("unload", "--host", host.address)
    assert out[1:] == ["none of the test models was loaded"]


def test_unload_without_a_host(run: Run) -> None:
    """Without a host there is nothing to unload, which is not a failure."""
    code, out, _ = run("unload", "--host", "embedded")
    assert (code, out) == (0, ["nothing to unload: --host says embedded"])


def test_status(host: FakeHost, run: Run) -> None:
    """The table says of each model whether it is required, downloaded and loaded, in 80 columns."""
    host.downloaded = [each for each in host.downloaded if each["modelKey"] != REQUIRED[2]]
    host.loaded = [
        instance(REQUIRED[0], "x/y/z.gguf", "embedding", contextLength=2048),
        instance(REQUIRED[1], "x/y/z.gguf", contextLength=1024),
        instance("other", "pub/Other-GGUF/other.gguf"),
    ]
    code, out, _ = run("status", "--host", host.address)
    assert code == 0
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in out if line.strip()}
    assert rows[REQUIRED[0]] == "yes yes yes"
    assert rows[REQUIRED[1]].startswith("yes yes context 1024")
    assert rows[REQUIRED[2]] == "yes no no"
    assert rows["smollm2-135m-instruct"] == "no yes not needed"
    assert "extra: other (llm, other)" in out
    assert max(map(len, out)) <= 80


def test_status_without_a_host(run: Run) -> None:
    """Without a host, `status` says so and shows what the embedded server would find."""
    code, out, _ = run("status", "--host", "embedded")
    assert code == 0
    assert out[0] == "host: none; `load` would start the embedded server (--host says embedded)"
    assert any(line.split()[:2] == [REQUIRED[0], "yes"] for line in out)


def test_status_on_a_narrow_terminal(
    host: FakeHost, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In 60 columns, each model has lines of its own, and nothing is lost or broken."""
    monkeypatch.setenv("COLUMNS", "60")
    host.loaded = [instance(REQUIRED[0], "x/y/z.gguf", "embedding", contextLength=1024)]
    code, out, _ = run("status", "--host", host.address)
    assert code == 0
    assert max(map(len, out[1:])) <= 60
    at = out.index(REQUIRED[0])
    assert " ".join(" ".join(out[at + 1 : at + 3]).split()) == (
        "required: yes, downloaded: yes, loaded: context 1024 instead of 2048"
    )
    assert {model.key for model in read_catalog().models} <= set(out)


def test_status_for_programs(host: FakeHost, run: Run) -> None:
    """`status --json` has all models with their facts, extra ones, and others that are there."""
    host.loaded = [
        instance(REQUIRED[0], "x/y/z.gguf", "embedding", contextLength=1024),
        instance("other", "pub/Other-GGUF/other.gguf"),
    ]
    host.downloaded.append(info("other", "pub/Other-GGUF/other.gguf"))
    code, out, err = run("status", "--host", host.address, "--json")
    assert (code, err) == (0, [])
    facts = json.loads("\n".join(out))
    assert facts["host"] == {"address": host.address, "own_server": False}
    assert (facts["reason"], facts["ready"]) == ("named by --host", False)
    assert [each["key"] for each in facts["models"]] == [
        model.key for model in read_catalog().models
    ]
    first = facts["models"][0]
    assert (first["key"], first["loaded"]) == (REQUIRED[0], True)
    assert first["problem"] == "context 1024 instead of 2048"
    assert facts["extra"] == [{"identifier": "other", "type": "llm", "key": "other"}]
    assert facts["others"] == [{"key": "other", "path": "pub/Other-GGUF/other.gguf"}]


def test_status_for_programs_without_a_host(run: Run) -> None:
    """Without a host, the JSON says so."""
    code, out, _ = run("status", "--host", "embedded", "--json")
    facts = json.loads("\n".join(out))
    assert (code, facts["host"], facts["reason"]) == (0, None, "--host says embedded")


def test_download_from_a_host(host: FakeHost, run: Run) -> None:
    """`download` has the host fetch the models that it lacks; a second time there are none."""
    model = read_catalog().required[1]
    lacked = [each for each in host.downloaded if each["modelKey"] == model.key]
    host.downloaded = [each for each in host.downloaded if each not in lacked]
    repository = "/".join(model.path.split("/")[:2])
    identifier = {"type": "hf", "identifier": repository}
    host.search_results = [{"name": "x", "identifier": identifier}]
    option = {"name": "x", "fitEstimation": "fullGPUOffload", "downloadIdentifier": "x"}
    host.download_options = [option]
    code, out, _ = run("download", "--host", host.address)
    assert code == 0
    assert out[1:] == [
        f"downloading {model.key} (0 MB)",
        f"downloaded {model.key}",
        f"downloaded {model.key}",
    ]
    host.downloaded.append(info(model.key, model.path))
    _, out, _ = run("download", "--host", host.address)
    assert out[1:] == ["the host has all models already"]


def test_download_failure(host: FakeHost, run: Run) -> None:
    """A model that the host does not find leads to exit code 1 and one line."""
    host.downloaded = host.downloaded[1:]
    code, _, err = run("download", "--host", host.address)
    assert code == 1
    assert len(err) == 1
    assert err[0].startswith(f"error: {REQUIRED[0]}: the host does not find nomic-ai/")


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_cancels_loads(host: FakeHost) -> None:
    """Ctrl-C cancels loading and leads to exit code 130 without a traceback."""
    host.gate = 1000
    command = [sys.executable, "-m", "model_fixtures", "load", "--host", host.address]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        host.wait_for(lambda: host.endpoints().count("loadModel") == len(REQUIRED))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (process.returncode, err.strip()) == (130, b"")
    host.wait_for(lambda: host.endpoints().count("cancel") == len(REQUIRED))
    assert host.loaded == []
