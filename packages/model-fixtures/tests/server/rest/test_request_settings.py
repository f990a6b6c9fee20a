"""REST fields as settings of a prediction."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.server.engine.sampling import Sampling, sampling_from
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.rest.request_settings import (
    log_prob_fields,
    sampling_fields,
    structure_setting,
    tool_fields,
)

pytestmark = pytest.mark.anyio
SCHEMA = {"type": "object", "properties": {"again": {"$ref": "#"}}}
ADD = {"type": "function", "function": {"name": "add"}}
DIVIDE = {"type": "function", "function": {"name": "divide"}}


class Tokenizer:
    """Gives every character a token."""

    async def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Return the tokens of a text."""
        assert not special
        return list(text.encode())


async def sampling(**body: Any) -> Sampling:
    """Return the sampling of a request."""
    tokenizer: Any = Tokenizer()
    settings = Settings(await sampling_fields(body, tokenizer))
    return sampling_from(settings, load_seed=None, stand_in=True)


async def test_every_setting_arrives() -> None:
    """Each field of a request becomes the engine's parameter of the same meaning."""
    found = await sampling(
        temperature=0.5,
        top_k=7,
        top_p=0.6,
        min_p=0.1,
        repeat_penalty=1.2,
        presence_penalty=0.3,
        frequency_penalty=0.4,
        seed=11,
        stop="end",
        max_tokens=5,
    )
    assert (found.temperature, found.top_k, found.top_p, found.min_p) == (0.5, 7, 0.6, 0.1)
    penalties = (found.repeat_penalty, found.presence_penalty, found.frequency_penalty)
    assert penalties == (1.2, 0.3, 0.4)
    assert (found.seed, found.stop, found.max_tokens) == (11, ["end"], 5)
    assert found.overflow == "stopAtLimit"


async def test_null_is_left_out() -> None:
    """Fields that are null get the same values as those that are missing."""
    names = ("temperature", "top_p", "stop", "max_tokens", "seed", "logit_bias")
    assert await sampling(**dict.fromkeys(names)) == await sampling()


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        ({"max_tokens": -1}, None),
        ({"max_tokens": 4, "max_completion_tokens": 3}, 3),
        ({"n_predict": 6}, 6),
        ({}, 512),
    ],
)
async def test_limit(body: dict[str, Any], limit: int | None) -> None:
    """-1 lifts the limit; OpenAI's newer name counts first."""
    assert (await sampling(**body)).max_tokens == limit


@pytest.mark.parametrize(
    "bias", [{"5": -100, "ab": 2}, [[5, -100], ["ab", 2]], [["5", -100], ["a", 2], ["b", 2]]]
)
async def test_bias(bias: Any) -> None:
    """A bias is for a token, or for each token of a text, in both forms."""
    assert (await sampling(logit_bias=bias)).logit_bias == [(5, -100), (97, 2), (98, 2)]


async def test_token_that_must_not_come() -> None:
    """llama.cpp's false means never."""
    assert (await sampling(logit_bias=[[5, False]])).logit_bias == [(5, False)]


@pytest.mark.parametrize(("most", "found"), [(None, None), (0, 0), (5, 5)])
async def test_probabilities(most: int | None, found: int | None) -> None:
    """Probabilities of the chosen token alone can be asked for."""
    settings = Settings(log_prob_fields(most))
    assert sampling_from(settings, load_seed=None, stand_in=True).log_probs == found


@pytest.mark.parametrize(
    ("body", "setting"),
    [
        ({}, None),
        ({"response_format": {"type": "text"}}, None),
        ({"response_format": {"type": "json_object"}}, {"type": "object"}),
        ({"response_format": {"type": "json_object", "schema": SCHEMA}}, SCHEMA),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}}, SCHEMA),
        ({"json_schema": SCHEMA}, SCHEMA),
    ],
)
def test_schemas(body: dict[str, Any], setting: dict[str, Any] | None) -> None:
    """OpenAI's and llama.cpp's forms of a schema become the websocket's."""
    expected = None if setting is None else {"type": "json", "jsonSchema": setting}
    assert structure_setting(body) == expected


def test_grammar() -> None:
    """A grammar counts before a schema; an empty one is none."""
    body = {"grammar": "root ::= [a]", "json_schema": SCHEMA}
    assert structure_setting(body) == {"type": "gbnf", "gbnfGrammar": "root ::= [a]"}
    assert structure_setting({"grammar": " "}) is None


@pytest.mark.parametrize(
    ("choice", "offered", "mode"),
    [
        (None, [ADD, DIVIDE], "auto"),
        ("none", [ADD, DIVIDE], "none"),
        ("required", [ADD, DIVIDE], "required"),
        ({"type": "function", "function": {"name": "divide"}}, [DIVIDE], "required"),
    ],
)
def test_tools(choice: Any, offered: list[Any], mode: str) -> None:
    """The choice of one tool offers only this one, and demands a call."""
    fields = tool_fields({"tools": [ADD, DIVIDE], "tool_choice": choice})
    assert fields["llm.prediction.tools"] == {"type": "toolArray", "tools": offered}
    assert fields["llm.prediction.toolChoice"]["mode"] == mode


def test_no_tools() -> None:
    """An empty list offers nothing."""
    assert tool_fields({"tools": [], "tool_choice": "auto"}) == {}
