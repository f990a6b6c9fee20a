"""GGUF files of the user's, in the folder that LMSTUDIO_TEST_MODELS names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import httpx
import lmstudio
import pytest
from model_fixtures import weights
from model_fixtures.hosts import EmbeddedServerError
from model_fixtures.hosts.embedded_server import EmbeddedServer

PATH = "me/My-Chat-GGUF/My-Chat-Q4_1.gguf"


@pytest.mark.slow
def test_a_file_without_an_entry_answers(tmp_path: Path) -> None:
    """A file is listed by the key that LM Studio gives it, can be loaded, and answers."""
    file = tmp_path / PATH
    file.parent.mkdir(parents=True)
    shutil.copyfile(weights.ensure(["smollm2"])["smollm2"], file)
    environ = {**os.environ, "LMSTUDIO_TEST_MODELS": str(tmp_path)}
    with (
        EmbeddedServer(environ=environ) as server,
        lmstudio.Client(server.address) as client,
    ):
        (listed,) = (
            each for each in client.list_downloaded_models("llm") if each.model_key == "my-chat"
        )
        assert (listed.path, listed.info.architecture) == (PATH, "llama")
        assert listed.info.size_bytes == file.stat().st_size
        answer = client.llm.model("my-chat").respond("Say hello.", config={"maxTokens": 8})
        assert answer.content.strip()
        assert answer.model_info.model_key == "my-chat"
        url = f"http://{server.address}/api/v0/models/my-chat"
        facts = httpx.get(url, trust_env=False).json()
        assert (facts["publisher"], facts["quantization"]) == ("me", "Q4_1")


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    """A wrong folder is an error of one line when the server starts."""
    environ = {**os.environ, "LMSTUDIO_TEST_MODELS": str(tmp_path / "nowhere")}
    with (
        pytest.raises(EmbeddedServerError, match=r"nowhere: is not a folder; LMSTUDIO_TEST_MODELS"),
        EmbeddedServer(environ=environ),
    ):
        pass
