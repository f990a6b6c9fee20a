"""Loads just in time whose worker process the system can't start."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import anyio
import pytest
from model_fixtures.server.models import start_engine
from model_fixtures.server.protocol.errors import ServerError

from .fake_engine import opened_models

pytestmark = pytest.mark.anyio
KEY = "smollm2-135m-instruct"


@pytest.mark.parametrize(
    ("number", "title"),
    [
        (errno.EMFILE, f"The server has no handle or memory left for loading {KEY}: "),
        (errno.ENOMEM, f"The server has no handle or memory left for loading {KEY}: "),
        (errno.EACCES, f"Failed to load {KEY}: cannot start a worker process: "),
    ],
    ids=["handles", "memory", "other"],
)
async def test_process_that_cannot_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, title: str
) -> None:
    """The client learns why, and what to do where the system has no handle or memory left."""

    async def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(anyio, "open_process", refuse)
    monkeypatch.setattr(start_engine, "_weights_file", lambda model: Path("model.gguf"))
    async with opened_models(tmp_path) as models:
        with anyio.fail_after(30), pytest.raises(ServerError) as caught:
            await models.jit.get_or_load(KEY, "llm")
        assert models.loaded.all() == []
    assert caught.value.title.startswith(title)
    assert os.strerror(number) in caught.value.title
    assert ("ulimit -n" in (caught.value.suggestion or "")) == title.startswith("The server")
