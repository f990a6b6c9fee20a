"""Which tools a request offers, and what its prompt has in common with others."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

import PIL.Image
import PIL.ImageDraw
import pytest
from model_fixtures.server.grammars.conversion_queue import Conversions
from model_fixtures.server.handlers.handler_context import Context
from model_fixtures.server.models.loaded_instance import LoadedInstance
from model_fixtures.server.prediction.build import (
    common_prefix,
    image_reader,
    offered_tools,
    prepare_completion,
    usable_tools,
)
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.server_state import ServerState

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


@pytest.mark.difference("large-tools")
async def test_tools_with_too_many_parameters() -> None:
    """Parameters that describe over 10,000 values are refused, in one tool or in many."""

    def tools(count: int, each: int) -> list[dict[str, Any]]:
        schema = {"type": "object", "properties": {f"p{number}": {} for number in range(each)}}
        return [
            {"type": "function", "function": {"name": f"t{number}", "parameters": schema}}
            for number in range(count)
        ]

    for count, each in ((1, 10_000), (100, 100)):
        with pytest.raises(ServerError, match=r"of the tool t\d+ are too large") as caught:
            await usable_tools(Conversions(), tools(count, each))
        assert caught.value.cause == "it describes more than this server can turn into a grammar"
    assert len(await usable_tools(Conversions(), tools(20, 20))) == 20


def an_instance(**facts: Any) -> LoadedInstance:
    """Return an instance of a model with these facts, whose texts are one token long."""

    async def tokenize(text: str, *, special: bool) -> list[int]:
        return [1]

    return cast(
        "LoadedInstance",
        SimpleNamespace(
            model=SimpleNamespace(**facts),
            llama=SimpleNamespace(tokenize=tokenize),
            settings=Settings(),
            context_length=4096,
        ),
    )


@pytest.mark.difference("json-complete")
@pytest.mark.parametrize(
    ("structured", "limit", "expected"),
    [
        ({"type": "json"}, None, None),
        ({"type": "json"}, 5, 5),
        ({"type": "none"}, None, 512),
        ({"type": "gbnf", "gbnfGrammar": 'root ::= "a" root'}, None, 512),
    ],
)
async def test_token_limit_of_json(
    structured: dict[str, Any], limit: int | None, expected: int | None
) -> None:
    """A stand-in's JSON is cut at the limit of the request, and not at the default one."""
    fields: dict[str, Any] = {"llm.prediction.structured": structured}
    if limit is not None:
        fields["llm.prediction.maxPredictedTokens"] = {"checked": True, "value": limit}
    state = cast("ServerState", SimpleNamespace(conversions=Conversions()))
    instance = an_instance(stand_in=True, greedy=False)
    made = await prepare_completion(state, instance, Settings(fields), "Hi")
    assert made.request.sampling.max_tokens == expected


@pytest.mark.difference("image-margins")
@pytest.mark.parametrize("stand_in", [True, False])
def test_margins_of_an_image(stand_in: bool) -> None:
    """A small figure fills the image that the stand-in gets; real weights get the whole picture."""
    drawn = PIL.Image.new("RGB", (400, 400), "white")
    PIL.ImageDraw.Draw(drawn).rectangle((180, 190, 219, 229), fill="red")
    file = io.BytesIO()
    drawn.save(file, "PNG")
    upload = SimpleNamespace(read=file.getvalue)
    files = SimpleNamespace(get=lambda client, identifier: upload)
    context = cast("Context", SimpleNamespace(client=None, state=SimpleNamespace(files=files)))
    read = image_reader(context, an_instance(vision=True, stand_in=stand_in))
    seen = PIL.Image.open(io.BytesIO(read("upload"))).convert("RGB")
    colours = seen.getcolors(seen.width * seen.height) or []
    count = next(number for number, colour in colours if colour == (255, 0, 0))
    share = count / (seen.width * seen.height)
    assert (share > 0.5) if stand_in else (share == pytest.approx(0.01))
