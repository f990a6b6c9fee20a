"""Prediction configurations: the server field of every setting, its way back, and layers."""

from typing import Any

import lmstudio
import pytest
from lmstudio import LlmPredictionConfig, LMStudioValueError
from lmstudio.json_api import CompletionEndpoint
from msgspec import ValidationError
from sdk_tests.client_and_server_settings import Setting, checkbox, client_key_of, plain
from sdk_tests.host_packets import predicted
from sdk_tests.sdk_creation_parameters import (
    KvField,
    completion_layers,
    kv_field,
    prediction_fields,
)
from sdk_tests.sdk_releases import known_bug, since

TEMPLATE = {
    "type": "jinja",
    "stopStrings": ["</s>"],
    "jinjaPromptTemplate": {"template": "{{ x }}"},
}
TOOLS = {
    "type": "toolArray",
    "tools": [{"type": "function", "function": {"name": "now", "description": "The time"}}],
}
SCHEMA = {"type": "json", "jsonSchema": {"type": "object"}}
REASONING = {"enabled": True, "startString": "<think>", "endString": "</think>"}


SETTINGS = [
    checkbox("max_tokens", "maxTokens", 50, "llm.prediction.maxPredictedTokens"),
    plain("temperature", "temperature", 0.7, "llm.prediction.temperature"),
    plain("stop_strings", "stopStrings", ["END"], "llm.prediction.stopStrings"),
    plain(
        "tool_call_stop_strings",
        "toolCallStopStrings",
        ["</t>"],
        "llm.prediction.toolCallStopStrings",
    ),
    plain(
        "context_overflow_policy",
        "contextOverflowPolicy",
        "stopAtLimit",
        "llm.prediction.contextOverflowPolicy",
    ),
    plain("structured", "structured", SCHEMA, "llm.prediction.structured"),
    plain("raw_tools", "rawTools", TOOLS, "llm.prediction.tools"),
    plain("top_k_sampling", "topKSampling", 40.0, "llm.prediction.topKSampling"),
    checkbox("repeat_penalty", "repeatPenalty", 1.1, "llm.prediction.repeatPenalty"),
    checkbox("min_p_sampling", "minPSampling", 0.05, "llm.prediction.minPSampling"),
    checkbox("top_p_sampling", "topPSampling", 0.9, "llm.prediction.topPSampling"),
    plain("cpu_threads", "cpuThreads", 2, "llm.prediction.llama.cpuThreads"),
    plain("prompt_template", "promptTemplate", TEMPLATE, "llm.prediction.promptTemplate"),
    plain("draft_model", "draftModel", "small", "llm.prediction.speculativeDecoding.draftModel"),
    plain(
        "speculative_decoding_num_draft_tokens_exact",
        "speculativeDecodingNumDraftTokensExact",
        3,
        "llm.prediction.speculativeDecoding.numDraftTokensExact",
    ),
    plain(
        "speculative_decoding_min_draft_length_to_consider",
        "speculativeDecodingMinDraftLengthToConsider",
        0,
        "llm.prediction.speculativeDecoding.minDraftLengthToConsider",
    ),
    plain(
        "speculative_decoding_min_continue_drafting_probability",
        "speculativeDecodingMinContinueDraftingProbability",
        0.75,
        "llm.prediction.speculativeDecoding.minContinueDraftingProbability",
    ),
    plain("reasoning_parsing", "reasoningParsing", REASONING, "llm.prediction.reasoning.parsing"),
]


def reported(*fields: KvField) -> LlmPredictionConfig:
    """Return the configuration in the result of a prediction whose host reports the fields."""
    endpoint = CompletionEndpoint("model", "prompt")
    endpoint.handle_message_events(predicted(prediction_config=fields))
    return endpoint.result().prediction_config


def assert_goes_and_comes_back(setting: Setting) -> None:
    """Assert that a setting becomes its server field from all spellings, and comes back."""
    struct = LlmPredictionConfig.from_dict({setting.client_key: setting.value})  # type: ignore[misc]
    assert getattr(struct, setting.attribute) is not None
    assert prediction_fields(struct) == [setting.field]
    assert prediction_fields({setting.client_key: setting.value}) == [setting.field]
    assert prediction_fields({setting.attribute: setting.value}) == [setting.field]
    assert reported(setting.field).to_dict() == {setting.client_key: setting.value}


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param(setting, marks=since("1.3.2")) if setting.value is TEMPLATE else setting
        for setting in SETTINGS
        if setting.server_value == setting.value
    ],
    ids=client_key_of,
)
def test_prediction_setting(setting: Setting) -> None:
    """A setting becomes its server field from a struct and both dict spellings, and comes back."""
    assert_goes_and_comes_back(setting)


@known_bug(
    "A ticked checkbox is read back as unset: the SDK looks for `key` in it instead of `checked`.",
    fixed_in="1.3.1",
)
@pytest.mark.parametrize(
    "setting",
    [setting for setting in SETTINGS if setting.server_value != setting.value],
    ids=client_key_of,
)
def test_prediction_checkbox(setting: Setting) -> None:
    """A setting with a checkbox becomes its server field, ticked, and comes back."""
    assert_goes_and_comes_back(setting)


@since("1.3.2")
def test_every_prediction_setting_is_covered() -> None:
    """These tests cover every setting of the prediction struct."""
    covered = {setting.attribute for setting in SETTINGS} | {"raw"}
    assert covered == set(LlmPredictionConfig.__struct_fields__)


@pytest.mark.parametrize(
    "config", [None, {}, LlmPredictionConfig()], ids=["none", "dict", "struct"]
)
def test_no_settings_send_no_fields(config: Any) -> None:
    """A config without settings is sent as one layer without fields."""
    assert prediction_fields(config) == []


@since("1.3.2")
def test_raw_settings_are_refused() -> None:
    """The setting `raw`, which has no server field, raises an error that names it."""
    with pytest.raises(LMStudioValueError, match=r"^Unknown config settings: \['raw'\]$"):
        prediction_fields({"raw": {"fields": []}, "temperature": 0.1})


@known_bug(
    "As with load settings, prediction settings that the SDK does not know are dropped from dicts"
    " silently, although the conversion to server fields has an error for them.",
    raises=pytest.fail.Exception,
)
def test_unknown_settings_are_refused() -> None:
    """A misspelt setting must raise an error that names it."""
    with pytest.raises(LMStudioValueError, match="temprature"):
        prediction_fields({"temprature": 0.1})


@known_bug(
    "max_tokens=False and repeat_penalty=False ('switched off' in the declared type) are sent as"
    " a ticked checkbox with the value false."
)
@pytest.mark.parametrize("key", ["maxTokens", "repeatPenalty", "minPSampling", "topPSampling"])
def test_false_unticks_the_checkbox(key: str) -> None:
    """`false` for a checkbox setting must be sent as an unticked checkbox."""
    (field,) = prediction_fields({key: False})
    assert field["value"]["checked"] is False


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"contextOverflowPolicy": "explode"}, "contextOverflowPolicy"),
        (
            {"speculative_decoding_num_draft_tokens_exact": 0},
            "speculativeDecodingNumDraftTokensExact",
        ),
        ({"stop_strings": [1]}, "stopStrings"),
    ],
    ids=["range", "enum", "snake-case", "nested"],
)
def test_invalid_values_are_refused(config: Any, place: str) -> None:
    """A value of a wrong type or range raises a validation error that names the setting."""
    with pytest.raises(ValidationError, match=rf"at `\$\.{place}"):
        prediction_fields(config)


@since("1.3.2")
def test_nested_snake_case_keys_are_translated() -> None:
    """Nested keys in a config dict may be in snake_case, too."""
    template = {
        "type": "jinja",
        "stop_strings": ["</s>"],
        "jinja_prompt_template": {"template": "{{ x }}"},
    }
    assert prediction_fields({"prompt_template": template}) == [
        kv_field("llm.prediction.promptTemplate", TEMPLATE)
    ]


def test_schema_property_names_are_left_alone() -> None:
    """The translation of keys leaves the property names of a JSON schema unchanged."""
    schema = {"type": "object", "properties": {"first_name": {"max_length": 3}}}
    for key in ("json_schema", "jsonSchema"):
        (field,) = prediction_fields({"structured": {"type": "json", key: schema}})
        assert field["value"] == {"type": "json", "jsonSchema": schema}


@known_bug(
    "Only json_schema is exempt from the snake_case translation: parameter names of raw tools"
    " in a config dict are renamed (first_name becomes firstName) while the schema's `required`"
    " list keeps the old ones."
)
def test_raw_tool_parameter_names_are_left_alone() -> None:
    """The parameter names of raw tools in a config dict must be sent unchanged."""
    parameters = {"type": "object", "properties": {"first_name": {}}, "required": ["first_name"]}
    tool = {"type": "function", "function": {"name": "greet", "parameters": parameters}}
    (field,) = prediction_fields({"rawTools": {"type": "toolArray", "tools": [tool]}})
    assert list(field["value"]["tools"][0]["function"]["parameters"]["properties"]) == [
        "first_name"
    ]


def test_config_arguments_are_not_changed() -> None:
    """A request changes neither the caller's config dict nor the caller's config struct."""
    config = {"max_tokens": 5}
    struct = LlmPredictionConfig(max_tokens=5)
    prediction_fields(config, SCHEMA)
    prediction_fields(struct, SCHEMA)
    assert config == {"max_tokens": 5}
    assert struct == LlmPredictionConfig(max_tokens=5)


def test_completion_adds_a_template_layer() -> None:
    """A completion sends a layer with the settings and then a layer with a bare template."""
    override, formatting = completion_layers({"temperature": 0.0})
    assert override == {
        "layerName": "apiOverride",
        "config": {"fields": [kv_field("llm.prediction.temperature", 0.0)]},
    }
    assert formatting["layerName"] == "completeModeFormatting"
    (field,) = formatting["config"]["fields"]
    assert field["key"] == "llm.prediction.promptTemplate"
    assert field["value"]["type"] == "jinja"
    assert field["value"]["stopStrings"] == []
    assert field["value"]["jinjaPromptTemplate"] == {
        "template": "{% for message in messages %}{{ message['content'] }}{% endfor %}",
        "bosToken": "",
        "eosToken": "",
        "inputConfig": {"messagesConfig": {"contentConfig": {"type": "string"}}, "useTools": False},
    }


def test_chat_response_has_no_template_layer() -> None:
    """A chat response sends only the layer with the settings, and no template."""
    endpoint = lmstudio.json_api.ChatResponseEndpoint("model", lmstudio.Chat("Hi"))
    layers = endpoint.creation_params["predictionConfigStack"]["layers"]
    assert [layer["layerName"] for layer in layers] == ["apiOverride"]


def test_preset_travels_beside_the_config() -> None:
    """A preset name is a separate creation parameter, which is missing when none is given."""
    with_preset = CompletionEndpoint("model", "prompt", preset_config="my preset")
    assert with_preset.creation_params["fuzzyPresetIdentifier"] == "my preset"
    assert "fuzzyPresetIdentifier" not in CompletionEndpoint("model", "prompt").creation_params


def test_load_config_comes_back_with_a_prediction() -> None:
    """A prediction's result has the load configuration that the host reports."""
    endpoint = CompletionEndpoint("model", "prompt")
    endpoint.handle_message_events(
        predicted(load_config=[kv_field("llm.load.contextLength", 2048)])
    )
    assert endpoint.result().load_config == lmstudio.LlmLoadModelConfig(context_length=2048)
