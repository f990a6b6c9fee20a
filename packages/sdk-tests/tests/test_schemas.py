"""JSON schemas of structured-output models, and the dict form of the SDK's structs."""

import enum
import json
from typing import Any, Literal

import msgspec
import pytest
from lmstudio import (
    BaseModel,
    DownloadProgressUpdate,
    FileHandle,
    LlmLoadModelConfig,
    LlmPredictionConfig,
    LMStudioValueError,
    ModelSchema,
)
from sdk_tests.sdk_releases import known_bug, since


class Colour(enum.Enum):
    """An enumeration used as a field type."""

    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    """A nested model."""

    street: str
    number: int = 1


class Person(BaseModel):
    """A model with one field of each kind."""

    name: str
    age: int | None
    address: Address
    former_addresses: list[Address]
    favourite: Colour
    tags: dict[str, bool]
    size: Literal["S", "L"] = "S"
    score: float = 0.5


class Node(BaseModel):
    """A model that refers to itself."""

    value: int
    parent: "Node | None"


@pytest.fixture(scope="module")
def schema() -> Any:
    """Provide the schema of Person."""
    return Person.model_json_schema()


def test_schema_is_an_object_not_a_reference(schema: Any) -> None:
    """The top level of a model's schema is the object schema itself and not a `$ref`."""
    assert "$ref" not in schema
    assert schema["type"] == "object"
    assert schema["title"] == "Person"


def test_schema_of_plain_fields(schema: Any) -> None:
    """Plain, optional, literal and mapping fields and defaults have their exact JSON schema."""
    properties = schema["properties"]
    assert properties["name"] == {"type": "string"}
    assert properties["age"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert properties["size"] == {"enum": ["L", "S"], "default": "S"}
    assert properties["score"] == {"type": "number", "default": 0.5}
    assert properties["tags"] == {"type": "object", "additionalProperties": {"type": "boolean"}}


def test_fields_without_default_are_required(schema: Any) -> None:
    """Exactly the fields without a default are required, in the order of definition."""
    assert schema["required"] == ["name", "age", "address", "former_addresses", "favourite", "tags"]


def test_nested_models_are_resolvable(schema: Any) -> None:
    """Nested models and enums are references to schemas in `$defs`."""
    properties, definitions = schema["properties"], schema["$defs"]
    assert properties["address"] == {"$ref": "#/$defs/Address"}
    assert properties["former_addresses"]["items"] == {"$ref": "#/$defs/Address"}
    assert properties["favourite"] == {"$ref": "#/$defs/Colour"}
    assert definitions["Address"]["properties"]["street"] == {"type": "string"}
    assert definitions["Address"]["required"] == ["street"]
    assert definitions["Colour"]["enum"] == ["blue", "red"]


def test_schema_is_plain_json(schema: Any) -> None:
    """A schema survives a JSON round trip unchanged."""
    assert json.loads(json.dumps(schema)) == schema


def test_schema_is_made_anew_each_time() -> None:
    """Changing a returned schema does not change the next one."""
    first: Any = Address.model_json_schema()
    first["properties"].clear()
    assert Address.model_json_schema()["properties"] != {}


@known_bug(
    "To remove the top-level `$ref`, the model's own entry is taken out of `$defs`; in a"
    " model that refers to itself the inner reference then points to nothing.",
    raises=KeyError,
)
def test_recursive_model_is_resolvable() -> None:
    """The inner reference of a model that refers to itself must resolve to an object schema."""
    schema: Any = Node.model_json_schema()
    assert {"$ref": "#/$defs/Node"} in schema["properties"]["parent"]["anyOf"]
    assert schema["$defs"]["Node"]["type"] == "object"


def test_model_fits_its_schema_protocol() -> None:
    """A class is a ModelSchema if and only if it has the schema method."""
    assert issubclass(Person, ModelSchema)
    assert not issubclass(Colour, ModelSchema)


@known_bug(
    "BaseModel is defined with kw_only=True to allow required fields after optional ones"
    " (a comment in schemas.py calls the option inherited), but msgspec applies it to a class's"
    " own fields only: such a model fails when it is defined.",
    raises=TypeError,
)
def test_required_field_may_follow_an_optional_one() -> None:
    """A required field must be allowed after an optional one in a model."""

    class Order(BaseModel):
        note: str = ""
        amount: int  # type: ignore[misc]  # type checkers see the bug as well

    schema: Any = Order.model_json_schema()
    assert schema["required"] == ["amount"]


def test_model_omits_defaults_when_encoded() -> None:
    """A model instance is encoded without the fields that have their default value."""
    assert msgspec.to_builtins(Address(street="Elm")) == {"street": "Elm"}


@pytest.mark.parametrize(
    "data",
    [
        {"sizeBytes": 3, "fileType": "image"},
        {"size_bytes": 3, "file_type": "image"},
        {"size_bytes": 3, "fileType": "image"},
    ],
    ids=["camel", "snake", "mixed"],
)
def test_from_dict_accepts_both_spellings(data: Any) -> None:
    """from_dict() accepts camelCase, snake_case and a mixture of both."""
    whole: Any = {"type": "file", "name": "n", "identifier": "i", **data}
    handle = FileHandle.from_dict(whole)
    expected = FileHandle(name="n", identifier="i", size_bytes=3, file_type="image")
    assert handle == expected


def test_to_dict_uses_the_wire_spelling() -> None:
    """to_dict() returns camelCase keys and the type tag."""
    handle = FileHandle(name="n", identifier="i", size_bytes=3, file_type="image")
    assert handle.to_dict() == {
        "type": "file",
        "name": "n",
        "identifier": "i",
        "sizeBytes": 3,
        "fileType": "image",
    }


def test_to_dict_leaves_unset_fields_out() -> None:
    """to_dict() leaves out fields that are None, and keeps false and zero."""
    config = LlmLoadModelConfig(seed=0, flash_attention=False, num_experts=None)
    assert config.to_dict() == {"seed": 0, "flashAttention": False}


@pytest.mark.parametrize(
    ("attribute", "key"),
    [
        ("use_fp16_for_kv_cache", "useFp16ForKVCache"),
        pytest.param("offload_kv_cache_to_gpu", "offloadKVCacheToGpu", marks=since("1.3.2")),
    ],
)
def test_kv_is_an_acronym(attribute: str, key: str) -> None:
    """`kv` in the two cache settings becomes `KV` in camelCase."""
    data: Any = {attribute: True}
    assert LlmLoadModelConfig.from_dict(data).to_dict() == {key: True}


def test_text_form_is_a_constructor_call() -> None:
    """str() of a struct shows sorted, indented JSON in a from_dict() call."""
    update = DownloadProgressUpdate(downloaded_bytes=1, total_bytes=2, speed_bytes_per_second=3)
    assert str(update) == (
        "DownloadProgressUpdate.from_dict({\n"
        '  "downloadedBytes": 1,\n  "speedBytesPerSecond": 3,\n  "totalBytes": 2\n})'
    )


def test_missing_field_is_a_validation_error() -> None:
    """A missing field raises a validation error that names it."""
    data: Any = {"type": "file", "name": "n"}
    with pytest.raises(msgspec.ValidationError, match=r"missing required field `identifier`$"):
        FileHandle.from_dict(data)


def test_wrong_tag_is_a_validation_error() -> None:
    """A dict with the type tag of another struct raises a validation error."""
    data: Any = {
        "type": "text",
        "name": "n",
        "identifier": "i",
        "sizeBytes": 3,
        "fileType": "image",
    }
    with pytest.raises(msgspec.ValidationError, match=r"'text' - at `\$\.type`$"):
        FileHandle.from_dict(data)


def test_cyclic_dict_is_refused() -> None:
    """A dict that contains itself is refused instead of causing an endless loop."""
    data: Any = {}
    data["structured"] = data
    with pytest.raises(LMStudioValueError, match=r"^Data structure cycles are not supported\.$"):
        LlmPredictionConfig.from_dict(data)


@known_bug(
    "The cycle check of from_dict remembers every dict it has seen, so that one dict in two"
    " places (two tools with the same parameters object) is refused as a cycle.",
    raises=LMStudioValueError,
)
def test_shared_dict_is_no_cycle() -> None:
    """A dict that occurs in two places must be accepted."""
    nothing: dict[str, Any] = {"type": "object", "properties": {}}
    tools = [{"type": "function", "function": {"name": n, "parameters": nothing}} for n in "ab"]
    data: Any = {"rawTools": {"type": "toolArray", "tools": tools}}
    assert LlmPredictionConfig.from_dict(data).to_dict() == data


def test_list_of_lists_is_refused() -> None:
    """A list of lists, which no struct has, is refused."""
    data: Any = {"stopStrings": [["a"]]}
    with pytest.raises(LMStudioValueError, match=r"^Lists of lists are not supported\.$"):
        LlmPredictionConfig.from_dict(data)
