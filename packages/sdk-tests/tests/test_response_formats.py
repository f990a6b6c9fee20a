"""Structured output without a host: all forms of response_format, and parsed results."""

from typing import Any

import pytest
from lmstudio import BaseModel, LMStudioValueError
from lmstudio._sdk_models import LlmStructuredPredictionSetting
from lmstudio.json_api import CompletionEndpoint
from sdk_tests.host_packets import fragment, predicted
from sdk_tests.sdk_creation_parameters import kv_field, prediction_fields
from sdk_tests.sdk_releases import known_bug

GRAMMAR = 'root ::= "yes" | "no"'
SCHEMA = {"type": "object", "properties": {"first_name": {"type": "string"}}}


class Person(BaseModel):
    """A model derived from the SDK's BaseModel."""

    name: str
    age: int


class PydanticLike:
    """A class that has only the schema method in common with pydantic's models."""

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        """Return the schema."""
        return SCHEMA


class AbstractSchema:
    """A class without a schema method."""


@pytest.mark.parametrize(
    ("response_format", "setting"),
    [
        pytest.param(SCHEMA, {"type": "json", "jsonSchema": SCHEMA}, id="schema"),
        pytest.param(
            {"type": "json", "jsonSchema": SCHEMA},
            {"type": "json", "jsonSchema": SCHEMA},
            id="json-setting",
        ),
        pytest.param(
            {"type": "gbnf", "gbnfGrammar": GRAMMAR},
            {"type": "gbnf", "gbnfGrammar": GRAMMAR},
            id="gbnf-setting",
        ),
        pytest.param(PydanticLike, {"type": "json", "jsonSchema": SCHEMA}, id="pydantic-like"),
        pytest.param(
            LlmStructuredPredictionSetting(type="json", json_schema=SCHEMA),
            {"type": "json", "jsonSchema": SCHEMA},
            id="json-struct",
        ),
        pytest.param(
            LlmStructuredPredictionSetting(type="gbnf", gbnf_grammar=GRAMMAR),
            {"type": "gbnf", "gbnfGrammar": GRAMMAR},
            id="gbnf-struct",
        ),
    ],
)
def test_response_format_forms(response_format: Any, setting: dict[str, Any]) -> None:
    """Each accepted form of response format is sent as its exact structured setting."""
    assert prediction_fields(None, response_format) == [
        kv_field("llm.prediction.structured", setting)
    ]


def test_model_class_as_response_format() -> None:
    """A model class as response format is sent as its schema."""
    setting = {"type": "json", "jsonSchema": Person.model_json_schema()}
    assert prediction_fields(None, Person) == [kv_field("llm.prediction.structured", setting)]


def test_response_format_joins_the_config() -> None:
    """A response format is sent together with the other settings of the config."""
    fields = prediction_fields({"temperature": 0.0}, SCHEMA)
    assert {field["key"] for field in fields} == {
        "llm.prediction.temperature",
        "llm.prediction.structured",
    }


@pytest.mark.parametrize(
    "response_format", [{"properties": {}}, "json", 5, AbstractSchema], ids=repr
)
def test_unusable_response_format_is_refused(response_format: Any) -> None:
    """A response format without a schema is refused with an error that names it."""
    with pytest.raises(LMStudioValueError) as failure:
        prediction_fields(None, response_format)
    assert str(failure.value) == f"Failed to parse response format: {response_format!r}"


@pytest.mark.parametrize("structured", [{"type": "json"}, {"type": "none"}], ids=["json", "none"])
def test_response_format_conflicts_with_structured_config(structured: dict[str, str]) -> None:
    """A response format is refused when the config has a structured setting, even none."""
    with pytest.raises(
        LMStudioValueError,
        match=r"^Cannot specify both 'response_format' in API call and 'structured' in config$",
    ):
        prediction_fields({"structured": structured}, SCHEMA)


@known_bug(
    "Config dicts accept snake_case keys, response_format does not: a setting with `json_schema`"
    " or `gbnf_grammar` is taken for a JSON schema and sent wrapped in another setting, so that"
    " a grammar has no effect at all."
)
@pytest.mark.parametrize(
    "response_format",
    [{"type": "gbnf", "gbnf_grammar": GRAMMAR}, {"type": "json", "json_schema": SCHEMA}],
    ids=["gbnf", "json"],
)
def test_snake_case_setting_is_a_setting(response_format: Any) -> None:
    """A setting dict in snake_case must mean the same as in the config's `structured`."""
    in_config = prediction_fields({"structured": response_format})
    assert prediction_fields(None, response_format) == in_config


def complete(reply: list[str], response_format: Any = None, config: Any = None) -> Any:
    """Return the result of a completion whose host answers with the pieces of text."""
    endpoint = CompletionEndpoint("model", "prompt", response_format, config)
    for piece in reply:
        endpoint.handle_message_events(fragment(piece))
    endpoint.handle_message_events(predicted())
    return endpoint.result()


@pytest.mark.parametrize(
    ("response_format", "config"),
    [
        (Person, None),
        (None, {"structured": {"type": "json", "jsonSchema": SCHEMA}}),
        (None, {"structured": {"type": "gbnf", "gbnfGrammar": GRAMMAR}}),
    ],
    ids=["argument", "json-config", "gbnf-config"],
)
def test_structured_result_is_parsed(response_format: Any, config: Any) -> None:
    """A requested JSON object is parsed and flagged, and the content keeps its text."""
    result = complete(['{"name": "Ada", ', '"age": 36}'], response_format, config)
    assert result.structured is True
    assert result.parsed == {"name": "Ada", "age": 36}
    assert result.content == '{"name": "Ada", "age": 36}'


def test_unstructured_result_stays_text() -> None:
    """JSON that was not requested stays text."""
    result = complete(['{"name": "Ada"}'])
    assert result.structured is False
    assert result.parsed == '{"name": "Ada"}'


@pytest.mark.parametrize("reply", ["yes", '{"name": ', "[1, 2]", '"text"'], ids=repr)
def test_reply_that_is_no_json_object_stays_text(reply: str) -> None:
    """A structured reply that is not a JSON object stays text."""
    result = complete([reply], {"type": "gbnf", "gbnfGrammar": GRAMMAR})
    assert result.structured is False
    assert result.parsed == result.content == reply


def test_structured_none_in_config_is_unstructured() -> None:
    """The result stays text when `structured` in the config has the type none."""
    assert complete(["{}"], config={"structured": {"type": "none"}}).structured is False


def test_cancelled_structured_result_is_not_parsed() -> None:
    """The text of a cancelled prediction is not parsed, even if it is JSON."""
    endpoint = CompletionEndpoint("model", "prompt", Person)
    endpoint.handle_message_events(fragment("{}"))
    endpoint.mark_cancelled()
    endpoint.handle_message_events(predicted())
    assert endpoint.result().structured is False
    assert endpoint.result().parsed == "{}"
