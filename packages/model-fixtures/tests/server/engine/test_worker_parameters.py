"""The parameters with which a worker process starts llama.cpp."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from model_fixtures.server.engine.load_config import engine_config
from model_fixtures.server.engine.worker_main import _parameters
from model_fixtures.server.protocol.kv_config import Settings


@pytest.mark.difference("draft-defaults")
def test_draft_model_has_the_apps_defaults() -> None:
    """A draft model proposes at most 16 tokens, each with a probability of at least 0.75."""
    config = engine_config(
        Path("a.gguf"), Settings(), embedding=False, context_length=64, threads=1
    )
    config = msgspec.structs.replace(config, draft_model="b.gguf")
    draft = _parameters({**msgspec.to_builtins(config), "key": "x"}).speculative.draft
    assert draft.mparams.path == "b.gguf"
    assert draft.n_max == 16
    assert draft.p_min == pytest.approx(0.75)
