"""Which tools a request offers, and what its prompt has in common with others."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.server.grammars.conversion_queue import Conversions
from model_fixtures.server.prediction.build import common_prefix, offered_tools
from model_fixtures.server.protocol.kv_config import Settings

pytestmark = pytest.mark.anyio
TOOL = {"type": "function", "function": {"name": "add"}}


@pytest.mark.parametrize(
    ("choice", "offered"),
    [("none", []), ("auto", [TOOL]), ("required", [TOOL]), (5, [TOOL])],
)
async def test_choice_of_newer_clients(choice: Any, offered: list[dict[str, Any]]) -> None:
    """A request whose `toolChoice` is none offers no tools, even if it lists some."""
    settings = Settings(
        {
            "llm.prediction.tools": {"type": "toolArray", "tools": [TOOL]},
            "llm.prediction.toolChoice": {"type": "generic", "mode": choice},
        }
    )
    assert await offered_tools(Conversions(), settings) == offered


def test_common_prefix() -> None:
    """Two prompts have tokens in common up to the first difference."""
    assert common_prefix([1, 2, 3], [1, 2, 4, 5]) == 2
    assert common_prefix([1, 2], [1, 2, 3]) == 2
    assert common_prefix([], [1]) == 0
