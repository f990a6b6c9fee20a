"""Prediction configurations: every setting's exact server field and back, the completion layer."""

from dataclasses import dataclass
from typing import Any

import lmstudio
import pytest
from lmstudio import LlmPredictionConfig, LMStudioValueError, ValidationError
from lmstudio.json_api import CompletionEndpoint
from sdk_tests.host_packets import predicted
from sdk_tests.sdk_creation_parameters import (
    KvField,
    completion_layers,
    kv_field,
    prediction_fields,
)
from sdk_tests.sdk_releases import known_bug

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


@dataclass(frozen=True)
class Setting:
    """One client setting and the server field that stands for it."""

    attribute: str
    client_key: str
    value: Any
    server_key: str
    checkbox: bool = False

    @property
    def field(self) -> KvField:
        """The field as it travels."""
        value = {"checked": True, "value": self.value} if self.checkbox else self.value
        return kv_field(f"llm.prediction.{self.server_key}", value)


SETTINGS = [
    Setting("max_tokens", "maxTokens", 50, "maxPredictedTokens", checkbox=True),
    Setting("temperature", "temperature", 0.7, "temperature"),
    Setting("stop_strings", "stopStrings", ["END"], "stopStrings"),
    Setting("tool_call_stop_strings", "toolCallStopStrings", ["</t>"], "toolCallStopStrings"),
    Setting(
        "context_overflow_policy", "contextOverflowPolicy", "stopAtLimit", "contextOverflowPolicy"
    ),
    Setting("structured", "structured", SCHEMA, "structured"),
    Setting("raw_tools", "rawTools", TOOLS, "tools"),
    Setting("top_k_sampling", "topKSampling", 40.0, "topKSampling"),
    Setting("repeat_penalty", "repeatPenalty", 1.1, "repeatPenalty", checkbox=True),
    Setting("min_p_sampling", "minPSampling", 0.05, "minPSampling", checkbox=True),
    Setting("top_p_sampling", "topPSampling", 0.9, "topPSampling", checkbox=True),
    Setting("cpu_threads", "cpuThreads", 2, "llama.cpuThreads"),
    Setting("prompt_template", "promptTemplate", TEMPLATE, "promptTemplate"),
    Setting("draft_model", "draftModel", "small", "speculativeDecoding.draftModel"),
    Setting(
        "speculative_decoding_num_draft_tokens_exact",
        "speculativeDecodingNumDraftTokensExact",
        3,
        "speculativeDecoding.numDraftTokensExact",
    ),
    Setting(
        "speculative_decoding_min_draft_length_to_consider",
        "speculativeDecodingMinDraftLengthToConsider",
        0,
        "speculativeDecoding.minDraftLengthToConsider",
    ),
    Setting(
        "speculative_decoding_min_continue_drafting_probability",
        "speculativeDecodingMinContinueDraftingProbability",
        0.75,
        "speculativeDecoding.minContinueDraftingProbability",
    ),
    Setting("reasoning_parsing", "reasoningParsing", REASONING, "reasoning.parsing"),
]


def name(setting: Setting) -> str:
    """Return the test id of a setting."""
    return setting.client_key


def reported(*fields: KvField) -> LlmPredictionConfig:
    """Return the configuration of a prediction whose host reports the given fields."""
    endpoint = CompletionEndpoint("model", "prompt")
    endpoint.handle_message_events(predicted(prediction_config=fields))
    return endpoint.result().prediction_config


@pytest.mark.parametrize("setting", SETTINGS, ids=name)
def test_prediction_setting(setting: Setting) -> None:
    """A setting travels as its one server field from struct and both dict spellings, and back."""
    struct = LlmPredictionConfig.from_dict({setting.client_key: setting.value})  # type: ignore[misc]
    assert getattr(struct, setting.attribute) is not None
    assert prediction_fields(struct) == [setting.field]
    assert prediction_fields({setting.client_key: setting.value}) == [setting.field]
    assert prediction_fields({setting.attribute: setting.value}) == [setting.field]
    assert reported(setting.field).to_dict() == {setting.client_key: setting.value}


def test_every_prediction_setting_is_covered() -> None:
    """The settings above and `raw` are all that the struct has: a new one needs a test."""
    covered = {setting.attribute for setting in SETTINGS} | {"raw"}
    assert covered == set(LlmPredictionConfig.__struct_fields__)


@pytest.mark.parametrize(
    "config", [None, {}, LlmPredictionConfig()], ids=["none", "dict", "struct"]
)
def test_no_settings_send_no_fields(config: Any) -> None:
    """Without settings one layer without fields is sent."""
    assert prediction_fields(config) == []


def test_raw_settings_are_refused() -> None:
    """`raw` has no server field: giving it is an error that names it, not a silent loss."""
    with pytest.raises(LMStudioValueError, match=r"^Unknown config settings: \['raw'\]$"):
        prediction_fields({"raw": {"fields": []}, "temperature": 0.1})


@known_bug(
    "As for load settings: prediction settings unknown to the SDK are dropped from dicts"
    " without a word, although the conversion to server fields has an error for them.",
    raises=pytest.fail.Exception,
)
def test_unknown_settings_are_refused() -> None:
    """A misspelt setting must be named in an error, not lost."""
    with pytest.raises(LMStudioValueError, match="temprature"):
        prediction_fields({"temprature": 0.1})


@known_bug(
    "max_tokens=False and repeat_penalty=False ('switched off' in the declared type) travel as"
    " a ticked checkbox with the value false."
)
@pytest.mark.parametrize("key", ["maxTokens", "repeatPenalty", "minPSampling", "topPSampling"])
def test_false_unticks_the_checkbox(key: str) -> None:
    """`false` for a checkbox setting must travel as an unticked checkbox."""
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
    """A value outside of its type or range is a validation error that names the setting."""
    with pytest.raises(ValidationError, match=rf"at `\$\.{place}"):
        prediction_fields(config)


def test_nested_snake_case_keys_are_translated() -> None:
    """Dict input may spell nested keys in snake_case too."""
    template = {
        "type": "jinja",
        "stop_strings": ["</s>"],
        "jinja_prompt_template": {"template": "{{ x }}"},
    }
    assert prediction_fields({"prompt_template": template}) == [
        kv_field("llm.prediction.promptTemplate", TEMPLATE)
    ]


def test_schema_property_names_are_left_alone() -> None:
    """The key translation stops at a JSON schema: its property names are the caller's."""
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
    """A tool's parameter names in a config dict must be sent unchanged."""
    parameters = {"type": "object", "properties": {"first_name": {}}, "required": ["first_name"]}
    tool = {"type": "function", "function": {"name": "greet", "parameters": parameters}}
    (field,) = prediction_fields({"rawTools": {"type": "toolArray", "tools": [tool]}})
    assert list(field["value"]["tools"][0]["function"]["parameters"]["properties"]) == [
        "first_name"
    ]


def test_config_arguments_are_not_changed() -> None:
    """Neither a config dict nor a config struct is written to."""
    config = {"max_tokens": 5}
    struct = LlmPredictionConfig(max_tokens=5)
    prediction_fields(config, SCHEMA)
    prediction_fields(struct, SCHEMA)
    assert config == {"max_tokens": 5}
    assert struct == LlmPredictionConfig(max_tokens=5)


def test_completion_adds_a_template_layer() -> None:
    """A completion sends the settings first, then a layer whose template is the bare text."""
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
    """A chat response leaves the template to the host: one layer with the caller's settings."""
    endpoint = lmstudio.json_api.ChatResponseEndpoint("model", lmstudio.Chat("Hi"))
    layers = endpoint.creation_params["predictionConfigStack"]["layers"]
    assert [layer["layerName"] for layer in layers] == ["apiOverride"]


def test_preset_travels_beside_the_config() -> None:
    """A preset name is a creation parameter of its own and only there when given."""
    with_preset = CompletionEndpoint("model", "prompt", preset_config="my preset")
    assert with_preset.creation_params["fuzzyPresetIdentifier"] == "my preset"
    assert "fuzzyPresetIdentifier" not in CompletionEndpoint("model", "prompt").creation_params


def test_load_config_comes_back_with_a_prediction() -> None:
    """A prediction's result carries the load configuration that the host reports."""
    endpoint = CompletionEndpoint("model", "prompt")
    endpoint.handle_message_events(
        predicted(load_config=[kv_field("llm.load.contextLength", 2048)])
    )
    assert endpoint.result().load_config == lmstudio.LlmLoadModelConfig(context_length=2048)
