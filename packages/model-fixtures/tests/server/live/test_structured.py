"""Structured output is complete JSON, valid for the schema, and not slow."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from model_fixtures.wire_client import ChannelError, Connection

from .talking import limit, loaded, predict, prediction, stack, text_of

pytestmark = pytest.mark.anyio

NODE = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "value": {"type": "string"},
                "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
            },
            "required": ["value", "next", "children"],
        }
    },
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "anything": {},
    "any object": {"type": "object"},
    "any list": {"type": "array"},
    "a long text": {"type": "string"},
    "a long number": {"type": "integer"},
    "three texts": {
        "type": "object",
        "properties": {key: {"type": "string"} for key in ("name", "city", "story")},
        "required": ["name", "city", "story"],
    },
    "optional keys": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": ["string", "null"]}, "c": {}},
        "required": ["b"],
    },
    "numbers by key": {"type": "object", "additionalProperties": {"type": "number"}},
    "a tree": NODE,
    "itself": {"$ref": "#"},
    "a dangling reference": {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/Missing"}},
        "required": ["a"],
    },
    "bounds of its own": {
        "type": "object",
        "properties": {
            "code": {"type": "string", "pattern": "^[A-Z]{2,5}$"},
            "size": {"type": "integer", "minimum": 3, "maximum": 12},
            "tags": {"type": "array", "items": {"enum": ["a", "b", 3]}, "minItems": 2},
            "long": {"type": "string", "minLength": 150, "maxLength": 160},
            "pair": {
                "type": "array",
                "prefixItems": [{"type": "boolean"}, {"const": "end"}],
                "items": False,
            },
        },
        "required": ["code", "size", "tags", "long", "pair"],
        "additionalProperties": False,
    },
    "awkward names": {
        "type": "object",
        "properties": {'say "hi"\n': {"const": "grüße"}, "\\": {"type": "null"}},
        "required": ['say "hi"\n', "\\"],
    },
}


@pytest.mark.difference("grammars", "json-bounds", "json-own-bounds", "json-complete")
async def test_output_is_whole_and_valid(llm: Connection) -> None:
    """Greedily and at the default temperature, every schema leads to one complete, valid value."""
    async with loaded(llm, context=4096) as identifier:
        for name, schema in SCHEMAS.items():
            for temperature in (0, 0.8):
                config = stack(
                    llm__prediction__structured={"type": "json", "jsonSchema": schema},
                    llm__prediction__temperature=temperature,
                )
                packets = await predict(llm, "Describe a bakery.", config, identifier)
                text = text_of(packets)
                assert packets[-1]["stats"]["stopReason"] == "eosFound", name
                value = json.loads(text)
                if name not in {"itself", "a dangling reference"}:
                    jsonschema.validate(value, schema)


async def test_keys_come_in_the_order_of_the_schema(llm: Connection) -> None:
    """Properties are written in the order in which the schema has them."""
    keys = ["zebra", "apple", "mango", "1"]
    schema = {
        "type": "object",
        "properties": {key: {"type": "boolean"} for key in keys},
        "required": keys,
    }
    config = stack(llm__prediction__structured={"type": "json", "jsonSchema": schema})
    async with loaded(llm) as identifier:
        packets = await predict(llm, "Yes or no?", config, identifier)
    text = text_of(packets)
    assert list(json.loads(text)) == keys


@pytest.mark.difference("grammars")
@pytest.mark.parametrize(
    ("grammar", "expression"),
    [
        ('root ::= "as " told\ntold ::= "told" | "said"', "as (told|said)"),
        ('root ::= ("a" | "ab") ("c" | "bc") "!"{3}', "(a|ab)(c|bc)!!!"),
        ('root ::= line{2} # two\nline ::= "- " [a-z ]{0,20} "\\n"', "(- [a-z ]{0,20}\n){2}"),
        (r'root ::= "/\u65e5\"" [\u3041-\u3093]{1,5} "\\"', r'/\u65e5"[\u3041-\u3093]{1,5}\\'),
        ('root ::= ""', ""),
        ('root ::= "(" inner ")"\ninner ::= "x" | root', r"\(+x\)+"),  # recursion
    ],
    ids=["word", "overlap", "lines", "characters", "nothing", "recursion"],
)
async def test_grammar_holds(llm: Connection, grammar: str, expression: str) -> None:
    """A complete output fits its GBNF grammar, whether llguidance or llama.cpp enforces it."""
    async with loaded(llm) as identifier:
        for temperature in (0, 1.5):
            config = stack(
                llm__prediction__structured={"type": "gbnf", "gbnfGrammar": grammar},
                llm__prediction__temperature=temperature,
                llm__prediction__seed={"checked": True, "value": 7},
            )
            packets = await predict(llm, "Say something.", config, identifier)
            text = text_of(packets)
            assert packets[-1]["stats"]["stopReason"] == "eosFound"
            assert re.fullmatch(expression, text)


def crossed(definitions: int) -> dict[str, Any]:
    """Return definitions that each have a property for every definition."""
    names = [f"n{number}" for number in range(definitions)]
    references = {name: {"$ref": f"#/$defs/{name}"} for name in names}
    inner = {"type": "object", "properties": references, "required": names[:1]}
    end = {"anyOf": [{"type": "null"}, inner]}
    return {"$ref": "#/$defs/n0", "$defs": dict.fromkeys(names, end)}


@pytest.mark.difference("json-expansion")
@pytest.mark.parametrize("definitions", [8, 30])
async def test_definitions_that_refer_to_all(llm: Connection, definitions: int) -> None:
    """A short schema that would expand enormously leads to a complete, valid value."""
    schema = crossed(definitions)
    config = stack(
        llm__prediction__structured={"type": "json", "jsonSchema": schema},
        llm__prediction__temperature=0,
    )
    async with loaded(llm, context=4096) as identifier:
        packets = await predict(llm, "Describe a bakery.", config, identifier)
    jsonschema.validate(json.loads(text_of(packets)), schema)


def nested(levels: int) -> dict[str, Any]:
    """Return objects nested many levels deep."""
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


def wide(properties: int, *, required: bool) -> dict[str, Any]:
    """Return an object with many properties."""
    names = [f"p{number}" for number in range(properties)]
    described = {name: {"const": 1} for name in names}
    schema: dict[str, Any] = {"type": "object", "properties": described}
    return {**schema, "required": names} if required else schema


@pytest.mark.parametrize(
    ("schema", "begin"),
    [(wide(3000, required=True), '{"p0":1,"p1":1,'), (nested(300), '{"a":{"a":{"a":')],
    ids=["wide", "deep"],
)
async def test_large_schemas(llm: Connection, schema: dict[str, Any], begin: str) -> None:
    """A schema of 3,000 required properties, or of 300 levels, is enforced; the worker lives."""
    config = stack(
        llm__prediction__structured={"type": "json", "jsonSchema": schema},
        llm__prediction__maxPredictedTokens={"checked": True, "value": 30},
    )
    async with loaded(llm) as identifier:
        text = text_of(await predict(llm, "Hi", config, identifier))
    assert text.startswith(begin)


LONG = "root ::= again\nagain ::= " + "(" * 20_000 + '"a" again?' + ")" * 20_000


@pytest.mark.difference("large-schemas", "large-grammars", "json-impossible")
@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"type": "json", "jsonSchema": wide(3000, required=False)}, "too large"),
        ({"type": "json", "jsonSchema": {"not": {}}}, "can't be satisfied"),
        ({"type": "gbnf", "gbnfGrammar": LONG}, "too large"),
        ({"type": "gbnf", "gbnfGrammar": "root ::= " + "(" * 50_000}, "too large"),
    ],
    ids=["optional", "impossible", "recursion", "brackets"],
)
async def test_what_would_crash_the_worker(
    llm: Connection, setting: dict[str, Any], words: str
) -> None:
    """A grammar that would crash llama.cpp is an error before that; the worker keeps answering."""
    config = stack(llm__prediction__structured=setting)
    async with loaded(llm) as identifier:
        async with llm.channel("predict", prediction("Hi", config, identifier)) as channel:
            with pytest.raises(ChannelError, match=words):
                async for _ in channel:
                    pass
        assert text_of(await predict(llm, "Hi", limit(2), identifier))


@pytest.mark.parametrize(
    "setting",
    [
        {"type": "xml"},
        {"type": "gbnf"},
        {"type": "gbnf", "gbnfGrammar": " "},
        {"type": "json", "jsonSchema": {"type": "string", "pattern": "("}},
    ],
)
async def test_settings_that_cannot_be_kept(llm: Connection, setting: dict[str, Any]) -> None:
    """A setting in an unknown form, or a pattern that can't be compiled, is an error."""
    config = stack(llm__prediction__structured=setting)
    async with loaded(llm) as identifier:
        request = prediction("Hi", config, identifier)
        async with llm.channel("predict", request) as channel:
            with pytest.raises(ChannelError, match="structured output"):
                async for _ in channel:
                    pass


@pytest.mark.difference("gbnf-expressions")
async def test_text_that_is_certain_has_the_models_tokens(llm: Connection) -> None:
    """Where a grammar allows one text only, its tokens are those of the model's tokenizer."""
    text = "The baker sells fresh bread every morning."
    config = stack(
        llm__prediction__structured={"type": "gbnf", "gbnfGrammar": f'root ::= "{text}"'},
        llm__prediction__temperature=0,
    )
    async with loaded(llm) as identifier:
        specifier = {"type": "query", "query": {"identifier": identifier}}
        tokens = await llm.rpc("tokenize", {"specifier": specifier, "inputString": text})
        packets = await predict(llm, "What is the capital of France?", config, identifier)
    pieces = [packet["fragment"]["content"] for packet in packets if "fragment" in packet]
    assert "".join(pieces) == text
    assert len(pieces) == len(tokens["tokens"])
