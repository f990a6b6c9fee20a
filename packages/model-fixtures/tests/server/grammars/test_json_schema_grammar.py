"""JSON schemas become grammars of bounded size; schemas that no value fits are refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from model_fixtures.schema_budget import TooLargeError
from model_fixtures.server.grammars.errors import StructureError
from model_fixtures.server.grammars.json_schema_grammar import NothingFitsError, json_grammar
from model_fixtures.server.grammars.structured_output import grammar_for


def crossed(definitions: int, *, required: bool = False) -> dict[str, Any]:
    """Return definitions that each have a property for every definition."""
    names = [f"n{number}" for number in range(definitions)]
    inner: dict[str, Any] = {
        "type": "object",
        "properties": {name: {"$ref": f"#/$defs/{name}"} for name in names},
    }
    if required:
        inner["required"] = names
    return {"$ref": "#/$defs/n0", "$defs": dict.fromkeys(names, inner)}


def wide(properties: int, *, required: bool) -> dict[str, Any]:
    """Return an object with many properties."""
    names = [f"p{number}" for number in range(properties)]
    schema: dict[str, Any] = {"type": "object", "properties": {name: {} for name in names}}
    return {**schema, "required": names} if required else schema


def chain(definitions: int) -> dict[str, Any]:
    """Return definitions in a circle; each contains the next, and the last may end it."""
    inner: dict[str, Any] = {
        f"n{number}": {
            "type": "object",
            "properties": {
                "next": {"$ref": f"#/$defs/n{number + 1}"},
                **{f"o{other}": {"$ref": f"#/$defs/n{other}"} for other in range(definitions)},
            },
            "required": ["next"],
        }
        for number in range(definitions - 1)
    }
    end = {"anyOf": [{"$ref": "#/$defs/n0"}, {"const": "end"}]}
    return {"$ref": "#/$defs/n0", "$defs": {**inner, f"n{definitions - 1}": end}}


@pytest.mark.difference("json-expansion")
@pytest.mark.parametrize("definitions", [8, 30, 60])
def test_crossed_definitions_stay_small(definitions: int) -> None:
    """Definitions that all refer to one another become a grammar of moderate length."""
    assert 1000 < len(json_grammar(crossed(definitions), bounded=True)) < 1_000_000


def test_definitions_in_a_circle_reach_their_end() -> None:
    """However strictly nesting is counted, a value that needs every definition once is admitted."""
    assert '{"const": "end"}' in json_grammar(chain(20), bounded=True)


@pytest.mark.difference("large-schemas")
@pytest.mark.parametrize("bounded", [True, False])
def test_rules_in_rules_are_bounded(bounded: bool) -> None:
    """Many required properties become one rule; many optional ones can't, and are refused."""
    assert "p2999" in json_grammar(wide(3000, required=True), bounded=bounded)
    with pytest.raises(TooLargeError, match="inside one another"):
        json_grammar(wide(3000, required=False), bounded=bounded)


@pytest.mark.parametrize("bounded", [True, False])
def test_whole_schema_is_bounded(bounded: bool) -> None:
    """A schema of a hundred thousand properties, all required, is refused at once."""
    with pytest.raises(TooLargeError, match="more than this server"):
        json_grammar(wide(100_000, required=True), bounded=bounded)


def test_order_of_required_and_optional_properties() -> None:
    """Runs of required properties are joined between optional ones, without a comma too many."""
    schema = {
        "type": "object",
        "properties": {name: {"const": name} for name in "abcde"},
        "required": ["b", "c", "e"],
    }
    lines = json_grammar(schema, bounded=True).split("\n")[1:]
    rules = dict(line.split(": ", 1) for line in lines)

    def texts(name: str) -> set[str]:
        """Return all texts of a rule, which has no repetition."""
        if rules[name].startswith("%json"):
            return {rules[name].rpartition(": ")[2].strip("} ")}
        found = set[str]()
        for alternative in rules[name].split(" | "):
            ends = {""}
            for piece in alternative.split():
                more = texts(piece) if piece in rules else {piece[1:-1].replace('\\"', '"')}
                ends = {end + one for end in ends for one in more}
            found |= ends
        return found

    assert texts(rules["start"]) == {
        "{" + ",".join(f'"{name}":"{name}"' for name in names) + "}"
        for names in ("abcde", "abce", "bcde", "bce")
    }


UNSATISFIABLE: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": False}, "required": ["a"]},
    {"type": "object", "properties": {}, "required": ["a"], "additionalProperties": False},
    {"type": "array", "items": False, "minItems": 1},
    {"type": "array", "prefixItems": [{}, False]},
    {"anyOf": [False, {"enum": []}]},
    {"not": {}},
    {"type": "string", "enum": [1, 2]},
    {"type": "integer", "const": "a"},
    {"type": "string", "minLength": 2, "maxLength": 1},
    {"type": "array", "minItems": 2, "maxItems": 1},
    {"type": "number", "minimum": 2, "maximum": 1},
    {"type": "integer", "exclusiveMinimum": 1, "maximum": 1},
    {"$ref": "#/$defs/never", "$defs": {"never": False}},
]


@pytest.mark.difference("json-impossible")
@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize("schema", UNSATISFIABLE)
def test_what_no_value_fits(schema: dict[str, Any], bounded: bool) -> None:
    """A schema that plainly admits no value is refused, also as a required part of another."""
    for whole in (schema, {"type": "object", "properties": {"x": schema}, "required": ["x"]}):
        if "$defs" in whole or "$defs" not in schema:
            with pytest.raises(NothingFitsError):
                json_grammar(whole, bounded=bounded)
    with pytest.raises(StructureError, match="can't be satisfied"):
        grammar_for({"type": "json", "jsonSchema": schema}, bounded=bounded)


@pytest.mark.parametrize(
    ("schema", "absent"),
    [
        ({"type": "object", "properties": {"a": False, "b": {"const": 1}}}, '\\"a\\"'),
        ({"anyOf": [{"type": "string", "enum": [5]}, {"const": 1}]}, "5"),
        ({"type": ["string", "null"], "enum": ["a", None, 77]}, "77"),
    ],
)
def test_impossible_parts_are_left_out(schema: dict[str, Any], absent: str) -> None:
    """An optional part that no value fits is left out of the grammar."""
    assert absent not in json_grammar(schema, bounded=True)


def test_required_properties_that_are_not_described() -> None:
    """A required property is written even if the schema doesn't describe it."""
    schema = {"type": "object", "properties": {"a": {}}, "required": ["b"]}
    assert '\\"b\\"' in json_grammar(schema, bounded=True)


def test_required_properties_of_a_pattern() -> None:
    """A required property whose name fits a pattern is no contradiction."""
    schema = {
        "type": "object",
        "patternProperties": {"^x": {"const": 1}},
        "required": ["xa"],
        "additionalProperties": False,
    }
    assert '\\"xa\\"' in json_grammar(schema, bounded=True)


def test_depth_is_named_as_what_is_wrong() -> None:
    """A valid schema of 300 levels is converted; one of 3,000 is an error about its depth."""

    def nested(levels: int) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "integer"}
        for _ in range(levels):
            schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
        return {"type": "json", "jsonSchema": schema}

    assert "%llguidance" in (grammar_for(nested(300), bounded=True) or "")
    with pytest.raises(StructureError, match="nests too deep"):
        grammar_for(nested(3000), bounded=True)


@pytest.mark.difference("json-bounds")
def test_lists_of_a_tree_shrink() -> None:
    """A list inside what holds itself has half as many items at each level, others have eight."""
    node: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
    node["properties"] = {"children": {"type": "array", "items": {"$ref": "#"}}}
    names = {"type": "array", "items": {"type": "string"}}
    node["properties"]["names"] = names
    grammar = json_grammar(node, bounded=True)
    # The repetitions are the items after the first one: of 8, 4 and 2; one item needs none.
    assert set(re.findall(r"\{0,\d+\}", grammar)) == {"{0,7}", "{0,3}", "{0,1}"}
    plain = {"$ref": "#/$defs/names", "$defs": {"names": names}}
    assert re.findall(r"\{0,\d+\}", json_grammar(plain, bounded=True)) == ["{0,7}"]


@pytest.mark.difference("json-of-real-weights")
def test_lists_of_a_tree_do_not_shrink_without_bounds() -> None:
    """Real weights get the same list at every level of what holds itself."""
    node: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
    pair = {"type": "array", "prefixItems": [{"type": "integer"}], "items": {"$ref": "#"}}
    node["properties"] = {"pair": pair, "root": {"$ref": "#"}}
    grammar = json_grammar(node, bounded=False)
    assert set(re.findall(r"\{0,\d+\}", grammar)) == {"{0,8}", "{0,40}"}


@pytest.mark.difference("json-bounds")
def test_what_a_schema_leaves_open_is_bounded() -> None:
    """Strings, lists, numbers and references to itself have an end, and white space is left out."""
    kinds: dict[str, dict[str, Any]] = {
        "text": {"type": "string"},
        "whole": {"type": "integer"},
        "number": {"type": "number"},
        "list": {"type": "array", "items": {"type": "null"}},
    }
    schema = {"type": "object", "properties": kinds, "required": list(kinds)}
    grammar = json_grammar(schema, bounded=True)
    assert re.findall(r'"maxLength": (\d+)', grammar) == ["120"]
    assert grammar.count("/-?(0|[1-9][0-9]{0,8})/") == 1  # the first digit and eight more
    assert grammar.count(r"/-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?/") == 1
    assert re.findall(r"\{0,\d+\}", grammar.replace("[0-9]{0,8}", "")) == ["{0,7}"]
    assert "gap" not in grammar
    reference = {"$ref": "#/$defs/itself"}
    itself = {
        "type": "object",
        "properties": {"inner": reference},
        "additionalProperties": False,
    }
    nested = json_grammar({**reference, "$defs": {"itself": itself}}, bounded=True)
    levels = re.findall(r"^(d\d+):", nested, re.MULTILINE)
    assert sorted(levels) == ["d0", "d1", "d2", "d3"]  # three of them inside the first


@pytest.mark.difference("json-anything")
def test_values_that_are_not_described() -> None:
    """Such a value has short strings, few members and two levels of lists and objects."""
    grammar = json_grammar({}, bounded=True)
    assert set(re.findall(r'"maxLength": (\d+)', grammar)) == {"40"}
    assert set(re.findall(r"\{0,(\d+)\}", grammar.replace("[0-9]{0,8}", ""))) == {"3"}
    assert set(re.findall(r"\bany\d\b", grammar)) == {"any2", "any1", "any0"}
    (innermost,) = re.findall(r"^any0: (.*)", grammar, re.MULTILINE)
    rules = dict(line.split(": ", 1) for line in grammar.split("\n")[1:])
    assert not [name for name in innermost.split(" | ") if rules[name].startswith(('"["', '"{"'))]


@pytest.mark.difference("json-own-bounds")
def test_bounds_of_a_schema_win() -> None:
    """A schema that asks for more than the usual bounds gets it."""
    long = json_grammar({"type": "string", "minLength": 150}, bounded=True)
    assert re.findall(r'"m..Length": (\d+)', long) == ["150", "150"]
    longer = json_grammar({"type": "string", "maxLength": 500}, bounded=True)
    assert re.findall(r'"m..Length": (\d+)', longer) == ["500"]
    many = {"type": "array", "items": {"type": "null"}, "minItems": 12}
    assert "{11,11}" in json_grammar(many, bounded=True)
    large = json_grammar({"type": "integer", "minimum": 5_000_000_000}, bounded=True)
    assert re.findall(r'"maximum": (\d+)', large) == ["5999999999"]


@pytest.mark.difference("json-not-enforced")
@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        {"allOf": [{"minItems": 2}, {"maxItems": 3}]},
        {"not": {"const": []}},
        {"if": {"minItems": 1}, "then": {"maxItems": 1}, "else": False},
        {"uniqueItems": True},
    ],
    ids=["all of", "not", "condition", "unique"],
)
def test_keywords_that_are_not_enforced(words: dict[str, Any], bounded: bool) -> None:
    """These keywords do not change the grammar."""
    plain = {"type": "array", "items": {"type": "integer"}}
    assert json_grammar({**plain, **words}, bounded=bounded) == json_grammar(plain, bounded=bounded)


@pytest.mark.difference("json-of-real-weights")
def test_real_weights_are_not_bounded() -> None:
    """Real weights may write white space, and strings, lists and numbers of any length."""
    kinds = {"text": {"type": "string"}, "number": {"type": "integer"}, "list": {"type": "array"}}
    schema = {"type": "object", "properties": kinds, "required": list(kinds)}
    grammar = json_grammar(schema, bounded=False)
    assert r"gap: /[ \n\r\t]{0,40}/" in grammar
    assert '"{" gap ' in grammar
    assert "Length" not in grammar
    assert '"type": "integer", "x-guidance"' in grammar  # no bounds between them
    assert set(re.findall(r"\{0,\d*\}", grammar)) == {"{0,}", "{0,40}"}
