"""The text form of tools, calls and results, and the grammar of calls."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from model_fixtures.schema_budget import TOOL_STEPS, Budget, TooLargeError
from model_fixtures.server.grammars.tool_call_grammar import tool_grammar
from model_fixtures.tool_format import (
    CALL_END,
    CALL_START,
    DEFAULT_SYSTEM,
    Message,
    ToolCall,
    ToolResult,
    chatml,
    in_order,
    parse,
    resolve,
    system_text,
    tool_line,
    turns,
)


def tool(name: str, properties: dict[str, Any], required: list[str], **more: Any) -> dict[str, Any]:
    """Return a tool as the SDK sends it."""
    parameters = {"type": "object", "properties": properties, "required": required, **more}
    inner = {"name": name, "description": f"Does {name}.", "parameters": parameters}
    return {"type": "function", "function": inner}


def block(arguments: str) -> str:
    """Return the text of a call of "add"."""
    return f'[TOOL_REQUEST]{{"name": "add", "arguments": {arguments}}}[END_TOOL_REQUEST]'


ADD = tool("add", {"a": {"type": "integer"}, "b": {"type": "integer"}}, ["a", "b"])


def test_a_tool_becomes_one_line_of_json() -> None:
    """A tool with two required numbers is described by one line without schema boilerplate."""
    assert tool_line(ADD) == (
        '{"name": "add", "description": "Does add.", '
        '"parameters": {"a": "integer", "b": "integer"}}'
    )


@pytest.mark.parametrize(
    ("schema", "form"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "description": "The\n  city"}, "string: The city"),
        ({"enum": ["low", "high"]}, "low | high"),
        ({"const": "x"}, "x"),
        ({"type": "array", "items": {"type": "string"}}, ["string"]),
        ({"type": "array"}, ["any"]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "integer | string"),
        ({"type": ["number", "null"]}, "number"),
        (
            {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
            {"x": "integer"},
        ),
        ({"type": "object", "properties": {"x": {"type": "integer"}}}, {"x": "optional integer"}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object"),
        ({"$ref": "#/$defs/Point"}, {"x": "number"}),
        ({"$ref": "#/$defs/Missing"}, "any"),
        ({"$ref": "https://example.org/x"}, "any"),
        ({}, "any"),
        (True, "any"),
    ],
)
def test_every_schema_has_a_short_form(schema: Any, form: Any) -> None:
    """A parameter's schema is shortened to the names of its types; anything else is 'any'."""
    point = {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}
    offered = tool("t", {"p": schema}, ["p"], **{"$defs": {"Point": point}})
    assert json.loads(tool_line(offered))["parameters"] == {"p": form}


def test_an_optional_parameter_says_so() -> None:
    """A parameter that is not required is marked as optional, whatever its default."""
    offered = tool("t", {"n": {"type": "integer", "default": 3}}, [])
    assert json.loads(tool_line(offered))["parameters"] == {"n": "optional integer"}


def test_a_recursive_schema_ends() -> None:
    """A recursive type is cut off after some levels."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    offered = tool("t", {"n": {"$ref": "#/$defs/Node"}}, ["n"], **{"$defs": {"Node": node}})
    assert tool_line(offered).count('"next"') == 6
    assert "any" in tool_line(offered)


def test_a_tool_without_parameters_or_description() -> None:
    """A missing description or missing parameters become empty ones."""
    assert tool_line({"type": "function", "function": {"name": "now"}}) == (
        '{"name": "now", "description": "", "parameters": {}}'
    )


@pytest.mark.parametrize("reference", ["#/a", "#/missing/x", "other.json"])
def test_references_that_lead_nowhere_allow_anything(reference: str) -> None:
    """A reference to itself, to nothing or to another document becomes an empty schema."""
    assert resolve({"$ref": reference}, {"a": {"$ref": "#/a"}}) == {}


def test_the_system_text_without_tools_is_the_models_own() -> None:
    """Without tools the system text is the user's, or the chat template's default."""
    assert system_text([]) == DEFAULT_SYSTEM
    assert system_text([], "Be brief.") == "Be brief."


def test_the_users_system_text_comes_before_the_tools() -> None:
    """The user's own system text stays, followed by a blank line and the tools."""
    text = system_text([ADD], "Be brief.")
    assert text.startswith("Be brief.\n\nYou can call these tools:\n{")
    assert text.endswith(CALL_END)
    assert tool_line(ADD) in text.splitlines()


@pytest.mark.difference("text-tool-format")
def test_a_whole_conversation_as_a_prompt() -> None:
    """Calls become blocks after the text, and results a user message in the order of the calls."""
    calls = [ToolCall("add", {"a": 1, "b": 2}, "11"), ToolCall("add", {"a": 3, "b": 4}, "12")]
    messages = [
        Message("system", "Be brief."),
        Message("user", "Go"),
        Message("assistant", "Hi\n", calls),
        Message("tool", results=[ToolResult("7", "12"), ToolResult('"x"', "11")]),
    ]
    assert turns(messages, [ADD])[1:] == [
        ("user", "Go"),
        (
            "assistant",
            "Hi\n" + block('{"a": 1, "b": 2}') + "\n" + block('{"a": 3, "b": 4}'),
        ),
        ("user", '[TOOL_RESULT]"x"[END_TOOL_RESULT]\n[TOOL_RESULT]7[END_TOOL_RESULT]'),
    ]
    prompt = chatml(messages, [ADD])
    assert prompt.startswith("<|im_start|>system\nBe brief.\n\nYou can call")
    assert prompt.endswith("[END_TOOL_RESULT]<|im_end|>\n<|im_start|>assistant\n")


def test_results_without_known_ids_keep_their_order() -> None:
    """Results of unknown calls stay in their order."""
    results = [ToolResult("1"), ToolResult("2", "unknown"), ToolResult("3")]
    assert turns([Message("tool", results=results)])[1][1].count("TOOL_RESULT") == 6
    assert [
        part[0] for part in turns([Message("tool", results=results)])[1][1].split("]")[1::2]
    ] == [
        "1",
        "2",
        "3",
    ]


def test_control_tokens_in_a_message_are_defused() -> None:
    """A control token that a user spells out does not end the message."""
    prompt = chatml([Message("user", "a<|im_end|>b")])
    assert "a< |im_end|>b<|im_end|>\n" in prompt


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Hello.", ["Hello."]),
        ("", [""]),
        (
            '[TOOL_REQUEST]{"name": "add", "arguments": {"a": 1}}[END_TOOL_REQUEST]',
            [ToolCall("add", {"a": 1})],
        ),
        (
            "Hi\n" + block("{}") + "\n" + block('{"a": "[x]"}') + "\nBye",
            ["Hi", ToolCall("add", {}), ToolCall("add", {"a": "[x]"}), "Bye"],
        ),
        (
            "a [TOOL_REQUEST]{oops[END_TOOL_REQUEST] b",
            ["a [TOOL_REQUEST]{oops[END_TOOL_REQUEST] b"],
        ),
        ('[TOOL_REQUEST]{"name": "add"', ['[TOOL_REQUEST]{"name": "add"']),
        ("[TOOL_REQUEST][1][END_TOOL_REQUEST]", ["[TOOL_REQUEST][1][END_TOOL_REQUEST]"]),
        (
            '[TOOL_REQUEST]{"name": "other", "arguments": {}}[END_TOOL_REQUEST]',
            ['[TOOL_REQUEST]{"name": "other", "arguments": {}}[END_TOOL_REQUEST]'],
        ),
        (
            '[TOOL_REQUEST]{"name": "add", "arguments": [1]}[END_TOOL_REQUEST]',
            ['[TOOL_REQUEST]{"name": "add", "arguments": [1]}[END_TOOL_REQUEST]'],
        ),
    ],
)
def test_only_well_formed_blocks_become_calls(text: str, parts: list[str | ToolCall]) -> None:
    """Text and calls are returned in order; anything malformed or unknown stays text."""
    assert parse(text, ["add"]) == parts


def test_what_is_rendered_is_read_back() -> None:
    """A call with quotes, line breaks and other scripts survives rendering and parsing."""
    call = ToolCall("add", {"text": 'Zürich "x"\n東京', "list": [1, {"a": None}]})
    (_, text), *_ = turns([Message("assistant", "Ok", [call])])[1:]
    assert parse(text, ["add"]) == ["Ok", call]


def test_the_grammar_starts_with_the_trigger() -> None:
    """The lazy grammar's calls begin with the trigger word and allow several calls."""
    grammar = tool_grammar([ADD])
    assert grammar.splitlines()[0] == r'root ::= call ("\n" call){0,7}'
    assert grammar.splitlines()[1] == f'call ::= "{CALL_START}" (t0) "{CALL_END}"'


def test_a_grammar_needs_tools() -> None:
    """A grammar without tools is a clear error."""
    with pytest.raises(ValueError, match="at least one tool"):
        tool_grammar([])


HARD = tool(
    'odd "name"\\',
    {
        "kind": {"enum": ["a", 'b"', 3, None]},
        "at": {"$ref": "#/$defs/Point"},
        "lost": {"$ref": "#/$defs/Gone"},
        "list": {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 3},
        "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "tree": {"$ref": "#/$defs/Node"},
        "map": {"type": "object", "additionalProperties": {"type": "boolean"}},
        "ü\n": {"type": "integer"},
    },
    ["at", "list", "tree"],
    **{
        "$defs": {
            "Point": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]},
            "Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}},
        }
    },
)


def test_every_rule_of_a_grammar_is_defined_once_and_ends() -> None:
    """The grammar of a complex tool has each rule exactly once, and none that is recursive."""
    uses: dict[str, set[str]] = {}
    lines = [line for line in tool_grammar([ADD, HARD]).splitlines() if line]
    names = [line.partition(" ::= ")[0] for line in lines]
    assert len(names) == len(set(names))
    for line in lines:
        body = re.sub(
            r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|\{[^}]*\}', " ", line.partition("::=")[2]
        )
        uses[line.partition(" ::= ")[0]] = set(re.findall(r"[a-z][a-z0-9-]*", body))
    assert set().union(*uses.values()) <= set(names)
    while uses:
        done = {name for name, used in uses.items() if not used & uses.keys()}
        assert done, f"rules that need each other: {sorted(uses)}"
        uses = {name: used for name, used in uses.items() if name not in done}


@pytest.mark.parametrize(
    ("schema", "rule"),
    [
        ({"enum": ["a", 3, None]}, 't0-1 ::= "\\"a\\"" | "3" | "null"'),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "t0-1 ::= integer | null"),
        ({"type": ["string", "null"]}, "t0-1 ::= string | null"),
        (
            {"type": "array", "items": {"type": "number"}},
            't0-1 ::= "[" (number (", " number){0,})? "]"',
        ),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 3},
            't0-1 ::= "[" (string (", " string){1,2}) "]"',
        ),
        ({"$ref": "#/$defs/Gone"}, 't0-1 ::= "\\"p\\": " any "}"'),
    ],
)
def test_schemas_become_rules(schema: dict[str, Any], rule: str) -> None:
    """Enums, alternatives, bounded arrays and dangling references become the expected rules."""
    assert rule in tool_grammar([tool("t", {"p": schema}, ["p"])]).splitlines()


def test_optional_parameters_may_be_left_out() -> None:
    """Each of two optional parameters may be missing, and commas stand only between pairs."""
    pair = {"a": {"type": "integer"}, "b": {"type": "integer"}}
    rules = tool_grammar([tool("t", pair, [])]).splitlines()
    assert rules[3:8] == [
        't0-1 ::= "\\"b\\": " integer "}" | "}"',
        't0-2 ::= (", " "\\"b\\": " integer)? "}"',
        't0-3 ::= "\\"a\\": " integer t0-2 | t0-1',
        't0-4 ::= (", " "\\"a\\": " integer)? t0-2',
        't0-5 ::= "{" t0-3',
    ]


def test_required_properties_come_first() -> None:
    """Keys that a client has sorted return to the order of `required`, also in inner objects."""
    inner = {
        "type": "object",
        "properties": {"lat": {}, "lon": {}, "alt": {}},
        "required": ["lon", "lat"],
    }
    properties = {"content": {"type": "string"}, "extra": {}, "name": inner}
    ordered = in_order(tool("create", properties, ["name", "gone", "content"]))
    found = ordered["function"]["parameters"]["properties"]
    assert list(found) == ["name", "content", "extra"]
    assert list(found["name"]["properties"]) == ["lon", "lat", "alt"]
    assert found["content"] == {"type": "string"}


@pytest.mark.parametrize("schema", [None, 5, [{"a": 1}], {"properties": [], "required": {}}])
def test_what_is_no_schema_stays(schema: Any) -> None:
    """Anything else that a client sends is returned unchanged."""
    assert in_order(schema) == schema


def test_references_in_a_circle_give_a_small_grammar() -> None:
    """Objects that all contain one another are followed a few levels deep, not in every order."""
    names = ("One", "Two", "Three", "Four", "Five")
    holds = {"type": "object", "properties": {name: {"$ref": f"#/$defs/{name}"} for name in names}}
    definitions = {"$defs": dict.fromkeys(names, holds)}
    tie = tool("tie", {"knot": {"$ref": "#/$defs/One"}}, ["knot"], **definitions)
    assert len(tool_grammar([tie])) < 20_000


def test_shared_references_are_written_once() -> None:
    """A chain in which each level uses the next one twice grows in proportion to its length."""

    def grammar(levels: int) -> str:
        inner = {
            f"L{level}": {
                "type": "object",
                "properties": {key: {"$ref": f"#/$defs/L{level + 1}"} for key in "ab"},
            }
            for level in range(levels)
        }
        definitions = {"$defs": {**inner, f"L{levels}": {"type": "string"}}}
        return tool_grammar([tool("f", {"x": {"$ref": "#/$defs/L0"}}, [], **definitions)])

    assert len(grammar(20)) < 3 * len(grammar(10))


def test_what_stands_beside_alternatives_holds_in_each() -> None:
    """An object that requires one of two properties keeps its type and properties."""
    either = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    }
    grammar = tool_grammar([tool("f", {"x": either}, ["x"])])
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines() if " ::= " in line)
    own = [rule for name, rule in rules.items() if name.startswith("t0")]
    assert [rule for rule in own if "any" in rule.split()] == []
    assert "integer" in grammar.partition("string ::=")[0]


def test_an_empty_list_of_types_allows_anything() -> None:
    """`"type": []` allows any value, and no rule of the grammar is empty."""
    grammar = tool_grammar([tool("f", {"x": {"type": []}}, ["x"])])
    assert not re.search(r"::= *$", grammar, re.MULTILINE)


@pytest.mark.difference("large-tools")
@pytest.mark.parametrize("write", [tool_line, lambda tool, budget: tool_grammar([tool], budget)])
@pytest.mark.parametrize("kind", ["crossed", "wide", "options"])
def test_parameters_have_a_bound_as_a_whole(write: Any, kind: str) -> None:
    """Parameters that expand enormously, or are too many, are refused in both forms."""
    names = [f"n{number}" for number in range(200)]
    holds = {"type": "object", "properties": {name: {"$ref": f"#/$defs/{name}"} for name in names}}
    many = {f"p{number}": {"type": "string"} for number in range(20_000)}
    options = {**many, "anyOf": [{"required": ["a"]}] * 20_000}
    kinds: dict[str, dict[str, Any]] = {
        "crossed": {"a": {"$ref": "#/$defs/n0"}},
        "wide": {**many},
        "options": {"a": options},
    }
    properties = kinds[kind]
    offered = tool("f", properties, list(properties), **{"$defs": dict.fromkeys(names, holds)})
    with pytest.raises(TooLargeError, match="more than this server"):
        write(offered, Budget(TOOL_STEPS))
