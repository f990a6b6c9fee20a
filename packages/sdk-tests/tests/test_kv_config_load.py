"""Load configurations: the server field of every setting, its way back, and what is refused."""

from typing import Any

import pytest
from lmstudio import (
    EmbeddingLoadModelConfig,
    LlmLoadModelConfig,
    LMStudioValueError,
)
from lmstudio._kv_config import parse_server_config
from msgspec import ValidationError
from sdk_tests.client_and_server_settings import Setting, checkbox, client_key_of, plain
from sdk_tests.sdk_creation_parameters import (
    KvField,
    embedding_load_fields,
    kv_field,
    llm_load_fields,
)
from sdk_tests.sdk_releases import known_bug, since


def common(domain: str) -> list[Setting]:
    """Return the settings that LLMs and embedding models share."""
    llama = f"{domain}.load.llama"
    return [
        plain("context_length", "contextLength", 2048, f"{domain}.load.contextLength"),
        plain("keep_model_in_memory", "keepModelInMemory", False, f"{llama}.keepModelInMemory"),
        plain("try_mmap", "tryMmap", False, f"{llama}.tryMmap"),
        checkbox("rope_frequency_base", "ropeFrequencyBase", 1e6, f"{llama}.ropeFrequencyBase"),
        checkbox("rope_frequency_scale", "ropeFrequencyScale", 0.5, f"{llama}.ropeFrequencyScale"),
    ]


EMBEDDING_SETTINGS = common("embedding")
CACHE_SETTINGS = [
    checkbox(
        "llama_k_cache_quantization_type",
        "llamaKCacheQuantizationType",
        "q8_0",
        "llm.load.llama.kCacheQuantizationType",
    ),
    checkbox(
        "llama_v_cache_quantization_type",
        "llamaVCacheQuantizationType",
        "f16",
        "llm.load.llama.vCacheQuantizationType",
    ),
]
LLM_SETTINGS = [
    *common("llm"),
    plain("gpu_strict_vram_cap", "gpuStrictVramCap", True, "load.gpuStrictVramCap"),
    plain("num_experts", "numExperts", 4, "llm.load.numExperts"),
    checkbox("seed", "seed", 7, "llm.load.seed"),
    plain("offload_kv_cache_to_gpu", "offloadKVCacheToGpu", False, "llm.load.offloadKVCacheToGpu"),
    plain("eval_batch_size", "evalBatchSize", 256, "llm.load.llama.evalBatchSize"),
    plain("flash_attention", "flashAttention", True, "llm.load.llama.flashAttention"),
    plain("use_fp16_for_kv_cache", "useFp16ForKVCache", True, "llm.load.llama.useFp16ForKVCache"),
    *CACHE_SETTINGS,
]
loses_ticked_checkboxes = known_bug(
    "A ticked checkbox is read back as unset: the SDK looks for `key` in it instead of `checked`.",
    fixed_in="1.3.1",
)
names_caches_wrongly = known_bug(
    "The quantization types of the KV cache are sent under keys that no server knows.",
    fixed_in="1.4.1",
)
needs_all_gpu_settings = known_bug(
    "GPU settings that are not all given raise a KeyError: `gpu={'ratio': 0.5}` cannot be sent.",
    raises=KeyError,
    fixed_in="1.3.1",
)
EVEN_SPLIT = {"strategy": "evenly", "disabledGpus": [], "priority": [], "customRatio": []}


def read_back(*fields: KvField) -> Any:
    """Return the client's settings for the server's fields (public only through a loaded model)."""
    return parse_server_config({"fields": fields})


def assert_goes_and_comes_back(setting: Setting) -> None:
    """Assert that a setting becomes its server field from all spellings, and comes back."""
    struct = LlmLoadModelConfig.from_dict({setting.client_key: setting.value})  # type: ignore[misc]
    assert getattr(struct, setting.attribute) == setting.value
    assert llm_load_fields(struct) == [setting.field]
    assert llm_load_fields({setting.client_key: setting.value}) == [setting.field]
    assert llm_load_fields({setting.attribute: setting.value}) == [setting.field]
    assert read_back(setting.field) == {setting.client_key: setting.value}


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param(setting, marks=since("1.3.2")) if "offload" in setting.attribute else setting
        for setting in LLM_SETTINGS
        if setting.server_value == setting.value
    ],
    ids=client_key_of,
)
def test_llm_setting(setting: Setting) -> None:
    """A setting becomes its server field from a struct and both dict spellings, and comes back."""
    assert_goes_and_comes_back(setting)


@loses_ticked_checkboxes
@pytest.mark.parametrize(
    "setting",
    [
        setting
        for setting in LLM_SETTINGS
        if setting.server_value != setting.value and setting not in CACHE_SETTINGS
    ],
    ids=client_key_of,
)
def test_llm_checkbox(setting: Setting) -> None:
    """A setting with a checkbox becomes its server field, ticked, and comes back."""
    assert_goes_and_comes_back(setting)


@names_caches_wrongly
@pytest.mark.parametrize("setting", CACHE_SETTINGS, ids=client_key_of)
def test_llm_cache_setting(setting: Setting) -> None:
    """A quantization of the KV cache becomes its server field, ticked, and comes back."""
    assert_goes_and_comes_back(setting)


@loses_ticked_checkboxes
def test_embedding_settings() -> None:
    """Embedding settings become one server field each in their own namespace, and come back."""
    config: Any = {setting.client_key: setting.value for setting in EMBEDDING_SETTINGS}
    by_attribute = {setting.attribute: setting.value for setting in EMBEDDING_SETTINGS}
    expected = {setting.server_key: setting.server_value for setting in EMBEDDING_SETTINGS}
    for spelling in (config, by_attribute, EmbeddingLoadModelConfig.from_dict(config)):
        fields = embedding_load_fields(spelling)
        assert {field["key"]: field["value"] for field in fields} == expected
    assert read_back(*fields) == config


@since("1.3.2")
def test_every_llm_setting_is_covered() -> None:
    """These tests cover every setting of the LLM struct."""
    covered = {setting.attribute for setting in LLM_SETTINGS} | {"gpu"}
    assert covered == set(LlmLoadModelConfig.__struct_fields__)


def test_every_embedding_setting_is_covered() -> None:
    """These tests cover every setting of the embedding struct."""
    covered = {setting.attribute for setting in EMBEDDING_SETTINGS} | {"gpu"}
    assert covered == set(EmbeddingLoadModelConfig.__struct_fields__)


@pytest.mark.parametrize("config", [None, {}, LlmLoadModelConfig()], ids=["none", "dict", "struct"])
def test_no_settings_send_no_fields(config: Any) -> None:
    """A config without settings is sent as one layer without fields."""
    assert llm_load_fields(config) == []


@names_caches_wrongly
def test_settings_combine() -> None:
    """Several settings are sent together, as one field each and nothing else."""
    config = {setting.client_key: setting.value for setting in LLM_SETTINGS}
    fields = {field["key"]: field["value"] for field in llm_load_fields(config)}
    assert fields == {setting.server_key: setting.server_value for setting in LLM_SETTINGS}


@needs_all_gpu_settings
@pytest.mark.parametrize(
    ("gpu", "fields"),
    [
        pytest.param(
            {"ratio": 0.5},
            {"llm.load.llama.acceleration.offloadRatio": 0.5, "load.gpuSplitConfig": EVEN_SPLIT},
            id="ratio",
        ),
        pytest.param(
            {"ratio": "max", "splitStrategy": "evenly"},
            {"llm.load.llama.acceleration.offloadRatio": "max", "load.gpuSplitConfig": EVEN_SPLIT},
            id="ratio-word",
        ),
        pytest.param(
            {"mainGpu": 1, "splitStrategy": "favorMainGpu"},
            {"load.gpuSplitConfig": {**EVEN_SPLIT, "strategy": "priorityOrder", "priority": [1]}},
            id="main-gpu",
        ),
        pytest.param(
            {"split_strategy": "favorMainGpu"},
            {"load.gpuSplitConfig": {**EVEN_SPLIT, "strategy": "priorityOrder"}},
            id="unnamed-main-gpu",
        ),
        pytest.param(
            {"main_gpu": 1, "disabled_gpus": [0, 2]},
            {"load.gpuSplitConfig": {**EVEN_SPLIT, "disabledGpus": [0, 2]}},
            id="disabled-gpus",
        ),
    ],
)
def test_gpu_settings(gpu: Any, fields: dict[str, Any]) -> None:
    """GPU settings become one split config and, if given, the offload ratio."""
    sent = {field["key"]: field["value"] for field in llm_load_fields({"gpu": gpu})}
    assert sent == fields


@needs_all_gpu_settings
def test_embedding_offload_ratio_has_its_own_key() -> None:
    """An embedding model's offload ratio has its own key, and the split config a common one."""
    keys = {field["key"] for field in embedding_load_fields({"gpu": {"ratio": 1.0}})}
    assert keys == {"embedding.load.llama.acceleration.offloadRatio", "load.gpuSplitConfig"}


def test_gpu_settings_come_back() -> None:
    """GPU settings come back from the server's fields as they were sent."""
    gpu = {"mainGpu": 2, "splitStrategy": "favorMainGpu", "disabledGpus": [0]}
    assert read_back(*llm_load_fields({"gpu": gpu})) == {"gpu": gpu}


@needs_all_gpu_settings
@pytest.mark.parametrize(
    "gpu",
    [
        {"ratio": 0.5, "splitStrategy": "evenly", "disabledGpus": []},
        {"ratio": "off", "splitStrategy": "evenly", "disabledGpus": [1]},
    ],
    ids=["ratio", "disabled-gpus"],
)
def test_gpu_settings_without_a_main_one_come_back(gpu: Any) -> None:
    """GPU settings come back as they were sent if they name no main GPU, too."""
    assert read_back(*llm_load_fields({"gpu": gpu})) == {"gpu": gpu}


@pytest.mark.parametrize(
    "split",
    [
        {**EVEN_SPLIT, "strategy": "priorityOrder", "priority": [1, 0]},
        {**EVEN_SPLIT, "strategy": "custom", "customRatio": [1.0, 2.0]},
    ],
    ids=["two-priorities", "custom"],
)
def test_foreign_gpu_split_is_not_misreported(split: Any) -> None:
    """A split that the client cannot express is read as disabled GPUs without a strategy."""
    assert read_back(kv_field("load.gpuSplitConfig", split)) == {"gpu": {"disabledGpus": []}}


def test_unknown_split_strategy_is_refused_in_a_dict() -> None:
    """An unknown split strategy in a dict raises a validation error with its place."""
    with pytest.raises(ValidationError, match=r"'custom' - at `\$\.gpu\.splitStrategy`$"):
        llm_load_fields({"gpu": {"splitStrategy": "custom"}})


@needs_all_gpu_settings
def test_unknown_split_strategy_is_refused_in_a_struct() -> None:
    """An unknown split strategy in a struct raises an error with the known strategies."""
    config = LlmLoadModelConfig.from_dict({"gpu": {}})
    assert config.gpu is not None
    strategy: Any = "custom"
    config.gpu.split_strategy = strategy
    with pytest.raises(LMStudioValueError) as failure:
        llm_load_fields(config)
    assert str(failure.value) == (
        "Unknown LLM GPU offload split strategy: custom"
        " (Known strategies: ('evenly', 'favorMainGpu'))"
    )


def test_unticked_checkbox_reads_as_unset() -> None:
    """A checkbox that is reported as unticked leaves its setting unset, whatever its value."""
    assert read_back(kv_field("llm.load.seed", {"checked": False, "value": 7})) == {}


def test_unknown_server_fields_are_skipped() -> None:
    """Unknown server fields are skipped, and the known ones are still read."""
    fields = [kv_field("llm.load.brandNew", {"a": 1}), kv_field("llm.load.numExperts", 2)]
    assert read_back(*fields) == {"numExperts": 2}


@known_bug(
    'A field without "value", which newer servers send, raises a KeyError.',
    raises=KeyError,
    fixed_in="1.4.1",
)
def test_server_field_without_value_reads_as_none() -> None:
    """A plain field without a value is read as None."""
    assert parse_server_config({"fields": [{"key": "llm.load.numExperts"}]}) == {"numExperts": None}


@known_bug(
    'parse_server_config is meant to tolerate a field without "value" (says its comment) but'
    " passes None to the checkbox reader, which calls .get() on it: one such field makes"
    " get_load_config() and every prediction's result fail with an AttributeError, before 1.4.1"
    " with a KeyError.",
    raises=(AttributeError, KeyError),
)
def test_checkbox_without_value_reads_as_unset() -> None:
    """A checkbox field without a value must leave its setting unset."""
    assert parse_server_config({"fields": [{"key": "llm.load.seed"}]}) == {}


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"contextLength": 0}, "contextLength"),
        ({"context_length": "long"}, "contextLength"),
        ({"gpu": {"ratio": 1.5}}, "gpu"),
        ({"llamaKCacheQuantizationType": "q3"}, "llamaKCacheQuantizationType"),
    ],
    ids=["range", "type", "nested", "enum"],
)
def test_invalid_values_are_refused(config: Any, place: str) -> None:
    """A value of a wrong type or range raises a validation error that names the setting."""
    with pytest.raises(ValidationError, match=rf"at `\$\.{place}"):
        llm_load_fields(config)


@known_bug(
    "The conversion to server fields refuses unknown settings by name, but dicts are first"
    " converted to the config struct, which drops unknown keys silently: a misspelt setting"
    " has no effect and raises no error.",
    raises=pytest.fail.Exception,
)
def test_unknown_settings_are_refused() -> None:
    """A misspelt setting must raise an error that names it."""
    with pytest.raises(LMStudioValueError, match="contextLen"):
        llm_load_fields({"contextLen": 2048})


@known_bug(
    "Settings that accept `false` for 'switched off' are sent as a ticked checkbox with the value"
    " false; the protocol has an unticked checkbox for that."
)
def test_false_unticks_the_checkbox() -> None:
    """`false` for a checkbox setting must be sent as an unticked checkbox."""
    (field,) = llm_load_fields({"llamaKCacheQuantizationType": False})
    assert field["value"]["checked"] is False
