"""The settings that clients know and the types of their values: what is reported back to them.

The tables follow the schemas of the SDKs, which refuse a report whose values have other types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar, Union

import msgspec
from msgspec import UNSET, Meta, Struct

from model_fixtures.server.protocol.kv_config import Settings

Value = TypeVar("Value")
NotNegative = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]
Seed = Annotated[int, Meta(ge=-1)]
Ratio = Union[Share, Literal["max", "off"]]  # noqa: UP007 (msgspec, Python 3.10)
CacheType = Literal["f32", "f16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1"]


class Checkbox(Struct, Generic[Value]):
    """An option that can be off."""

    checked: bool
    value: Value


class PromptTemplate(Struct):
    """The required part of a prompt template."""

    type: Literal["jinja", "manual"]


class Structured(Struct):
    """The required part of the setting for structured output."""

    type: Literal["none", "json", "gbnf"]


class Tools(Struct):
    """The required part of the setting that offers tools."""

    type: Literal["none", "toolArray"]


class ToolChoice(Struct):
    """Whether the model may call tools, or must."""

    type: Literal["generic"]
    mode: Literal["none", "auto", "required"]


class ReasoningParsing(Struct, rename="camel"):
    """The tags of reasoning."""

    enabled: bool
    start_string: str
    end_string: str


class ContextReference(Struct, rename="camel"):
    """A file whose chat precedes a chat."""

    type: Literal["jsonFile", "yamlFile"]
    abs_path: str


class Mirostat(Struct, rename="camel"):
    """Mirostat sampling."""

    version: Literal[0, 1, 2]
    learning_rate: float
    target_entropy: float


class JinjaTemplate(Struct):
    """A Jinja template."""

    template: str


class LoadPromptTemplate(Struct, rename="camel"):
    """The prompt template that a model is loaded with."""

    type: Literal["jinja"]
    jinja_prompt_template: JinjaTemplate


class GpuSplit(Struct, rename="camel"):
    """How GPUs share a model."""

    strategy: Literal["evenly", "priorityOrder", "custom"]
    disabled_gpus: list[NotNegative]
    priority: list[NotNegative]
    custom_ratio: list[Annotated[float, Meta(ge=0)]]


class MlxCache(Struct, rename="camel"):
    """How MLX quantizes its cache."""

    enabled: bool
    bits: Literal[8, 6, 4, 3, 2]
    group_size: Literal[32, 64, 128]
    quantized_start: NotNegative


class Parameter(Struct):
    """One of llama.cpp's own parameters."""

    key: str
    value: str


class ArgumentsOverride(Struct, rename="camel"):
    """Changes of llama.cpp's own parameters."""

    enabled: bool
    disabled_parameters: list[str]
    override_parameters: list[Parameter]
    exclude_all_config: bool


class Environment(Struct, forbid_unknown_fields=True, rename={"gfx": "HSA_OVERRIDE_GFX_VERSION"}):
    """Environment variables that may be set."""

    gfx: str = ""


# By key, below the prefix `llm.prediction.`.
PREDICTION: dict[str, Any] = {
    "temperature": Annotated[float, Meta(ge=0)],
    "contextOverflowPolicy": Literal["stopAtLimit", "truncateMiddle", "rollingWindow"],
    "maxPredictedTokens": Checkbox[int],
    "stopStrings": list[str],
    "toolCallStopStrings": list[str],
    "structured": Structured,
    "speculativeDecoding.draftModel": str,
    "speculativeDecoding.minDraftLengthToConsider": NotNegative,
    "speculativeDecoding.numReuseTokens": Positive,
    "speculativeDecoding.minContinueDraftingProbability": Share,
    "speculativeDecoding.maxTokensToDraft": Positive,
    "speculativeDecoding.numDraftTokensExact": Positive,
    "tools": Tools,
    "toolChoice": ToolChoice,
    "toolNaming": Literal["passThrough", "removeSpecial", "snakeCase", "camelCase"],
    "promptTemplate": PromptTemplate,
    "systemPrompt": str,
    "seed": Checkbox[Seed],
    "contextPrefill": list[ContextReference],
    "topKSampling": int,
    "repeatPenalty": Checkbox[float],
    "minPSampling": Checkbox[float],
    "topPSampling": Checkbox[float],
    "logProbs": Checkbox[NotNegative],
    "reasoning.enableThinking": bool,
    "reasoning.budgetTokens": Checkbox[NotNegative],
    "reasoning.parsing": ReasoningParsing,
    "vision.userMaxImageDimensionPixels": Checkbox[Positive],
    "vision.ignoreModelPreferredMaxImageDimension": bool,
    "llama.cpuThreads": Positive,
    "llama.frequencyPenalty": Checkbox[float],
    "llama.xtcProbability": Checkbox[Share],
    "llama.xtcThreshold": Checkbox[Share],
    "llama.presencePenalty": Checkbox[float],
    "llama.mirostatSampling": Mirostat,
    "llama.tailFreeSampling": Checkbox[Share],
    "llama.locallyTypicalSampling": Checkbox[Share],
    "llama.logitBias": list[tuple[int, Union[float, Literal["-inf"]]]],  # noqa: UP007
}

_LLAMA_LOAD: dict[str, Any] = {
    "acceleration.offloadRatio": Ratio,
    "evalBatchSize": Positive,
    "ropeFrequencyBase": Checkbox[Annotated[float, Meta(ge=0)]],
    "ropeFrequencyScale": Checkbox[Annotated[float, Meta(ge=0)]],
    "keepModelInMemory": bool,
    "tryMmap": bool,
}

# By their whole key.
LLM_LOAD: dict[str, Any] = {
    "envVars": Environment,
    "load.gpuSplitConfig": GpuSplit,
    "load.gpuStrictVramCap": bool,
    "llm.load.contextLength": Positive,
    "llm.load.autoFitMinContextLength": NotNegative,
    "llm.load.numExperts": NotNegative,
    "llm.load.seed": Checkbox[Seed],
    "llm.load.promptTemplate": LoadPromptTemplate,
    "llm.load.offloadKVCacheToGpu": bool,
    "llm.load.numCpuExpertLayersRatio": Ratio,
    "llm.load.numParallelSessions": Annotated[int, Meta(ge=1, le=1023)],
    "llm.load.useUnifiedKvCache": bool,
    **{f"llm.load.llama.{key}": kind for key, kind in _LLAMA_LOAD.items()},
    "llm.load.llama.autoFit": bool,
    "llm.load.llama.cpuThreadPoolSize": Annotated[float, Meta(ge=1)],
    "llm.load.llama.physicalBatchSize": Positive,
    "llm.load.llama.flashAttention": bool,
    "llm.load.llama.contextCheckpoints": NotNegative,
    "llm.load.llama.reasoningBudgetMessage": str,
    "llm.load.llama.speculativeDecoding.draftMtp": bool,
    "llm.load.llama.speculativeDecoding.draftSimple": bool,
    "llm.load.llama.speculativeDecoding.draftDflashSidecar": bool,
    "llm.load.llama.speculativeDecoding.draftDsparkSidecar": bool,
    "llm.load.llama.speculativeDecoding.draftMtpSidecar": bool,
    "llm.load.llama.speculativeDecoding.draftModel": str,
    "llm.load.llama.speculativeDecoding.draftMaxTokens": NotNegative,
    "llm.load.llama.speculativeDecoding.draftMinTokens": NotNegative,
    "llm.load.llama.speculativeDecoding.draftMinContinueProbability": Share,
    "llm.load.llama.useFp16ForKVCache": bool,
    "llm.load.llama.tryDirectIO": bool,
    "llm.load.llama.argumentsOverride": ArgumentsOverride,
    "llm.load.llama.kCacheQuantizationType": Checkbox[CacheType],
    "llm.load.llama.vCacheQuantizationType": Checkbox[CacheType],
    "llm.load.mlx.autoFit": bool,
    "llm.load.mlx.diskCache": bool,
    "llm.load.mlx.kvCacheQuantization": MlxCache,
    "llm.load.yuzu.autoFit": bool,
    "llm.load.vllm.gpuMemoryUtilization": Share,
    "llm.load.vllm.reasoningParser": str,
    "llm.load.vllm.toolCallParser": str,
}
EMBEDDING_LOAD: dict[str, Any] = {
    "load.gpuSplitConfig": GpuSplit,
    "load.gpuStrictVramCap": bool,
    "embedding.load.contextLength": Positive,
    "embedding.load.seed": Checkbox[Seed],
    **{f"embedding.load.llama.{key}": kind for key, kind in _LLAMA_LOAD.items()},
}


def given(settings: Settings, known: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the known settings that are set to a value of their type, as they are reported.

    Args:
        settings: the merged settings of a request.
        known: the types by key.
        prefix: what precedes the keys in the settings and in what is returned.
    """
    values = {key: settings.value(prefix + key) for key in known}
    reported = {prefix + key: _as(kind, values[key]) for key, kind in known.items()}
    return {key: value for key, value in reported.items() if value is not UNSET}


def _as(kind: Any, value: Any) -> Any:
    """Return a value as it is reported, UNSET if it is not of the type."""
    if value is UNSET:
        return UNSET
    value = _whole(value)
    try:
        converted = msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError):
        return UNSET
    # Objects may have more members than the type says; numbers become what it says.
    return converted if isinstance(converted, (int, float)) else value


def _whole(value: Any) -> Any:
    """Return a value with integers for integral floats, which stand for them on this wire."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case {"checked": bool(), "value": float(inner), **more} if inner.is_integer() and not more:
            return {**value, "value": int(inner)}
    return value
