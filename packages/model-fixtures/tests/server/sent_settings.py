"""A value for each setting of the schemas of JavaScript SDK 2.0.0, which has all of the others'."""

from __future__ import annotations

from typing import Any


def on(value: Any) -> dict[str, Any]:
    """Return a checked checkbox."""
    return {"checked": True, "value": value}


TEMPLATE = {"template": "{% for m in messages %}{{ m.content }}{% endfor %}"}
TOOL = {
    "type": "function",
    "function": {"name": "now", "parameters": {"type": "object", "properties": {}}},
}
GPUS = {"strategy": "priorityOrder", "disabledGpus": [2], "priority": [1, 0], "customRatio": [0.5]}

PREDICTION: dict[str, Any] = {
    "temperature": 0.25,
    "contextOverflowPolicy": "rollingWindow",
    "maxPredictedTokens": on(3),
    "stopStrings": ["~~~"],
    "toolCallStopStrings": ["|||"],
    "structured": {"type": "none"},
    "speculativeDecoding.draftModel": "",
    "speculativeDecoding.minDraftLengthToConsider": 0,
    "speculativeDecoding.numReuseTokens": 128,
    "speculativeDecoding.minContinueDraftingProbability": 0.5,
    "speculativeDecoding.maxTokensToDraft": 8,
    "speculativeDecoding.numDraftTokensExact": 3,
    "tools": {"type": "toolArray", "tools": [TOOL], "force": False},
    "toolChoice": {"type": "generic", "mode": "auto"},
    "toolNaming": "snakeCase",
    "promptTemplate": {"type": "jinja", "jinjaPromptTemplate": TEMPLATE, "stopStrings": ["</s>"]},
    "systemPrompt": "Be brief.",
    "seed": on(42),
    "contextPrefill": [{"type": "jsonFile", "absPath": "/none.json"}],
    "topKSampling": 30,
    "repeatPenalty": on(1.25),
    "minPSampling": on(0.25),
    "topPSampling": on(0.75),
    "logProbs": on(2),
    "reasoning.enableThinking": False,
    "reasoning.budgetTokens": on(100),
    "reasoning.parsing": {"enabled": True, "startString": "<a>", "endString": "</a>"},
    "vision.userMaxImageDimensionPixels": on(512),
    "vision.ignoreModelPreferredMaxImageDimension": True,
    "llama.cpuThreads": 2,
    "llama.frequencyPenalty": on(0.5),
    "llama.xtcProbability": on(0.25),
    "llama.xtcThreshold": on(0.125),
    "llama.presencePenalty": on(0.75),
    "llama.mirostatSampling": {"version": 2, "learningRate": 0.25, "targetEntropy": 4},
    "llama.tailFreeSampling": on(0.9),
    "llama.locallyTypicalSampling": on(0.8),
    "llama.logitBias": [[5, 1.5], [6, "-inf"]],
}


def _llama(prefix: str) -> dict[str, Any]:
    fields = {
        "acceleration.offloadRatio": "off",
        "evalBatchSize": 256,
        "ropeFrequencyBase": on(10000.0),
        "ropeFrequencyScale": on(1),
        "keepModelInMemory": False,
        "tryMmap": False,
    }
    return {f"{prefix}.load.llama.{key}": value for key, value in fields.items()}


_LLM: dict[str, Any] = {
    "contextLength": 512,
    "autoFitMinContextLength": 256,
    "numExperts": 2,
    "seed": on(7),
    "promptTemplate": {"type": "jinja", "jinjaPromptTemplate": TEMPLATE},
    "offloadKVCacheToGpu": False,
    "numCpuExpertLayersRatio": 0.5,
    "numParallelSessions": 2,
    "useUnifiedKvCache": False,
    "llama.autoFit": True,
    "llama.cpuThreadPoolSize": 2,
    "llama.physicalBatchSize": 128,
    "llama.flashAttention": True,
    "llama.contextCheckpoints": 4,
    "llama.reasoningBudgetMessage": "Enough.",
    "llama.speculativeDecoding.draftMtp": False,
    "llama.speculativeDecoding.draftSimple": True,
    "llama.speculativeDecoding.draftDflashSidecar": False,
    "llama.speculativeDecoding.draftDsparkSidecar": False,
    "llama.speculativeDecoding.draftMtpSidecar": False,
    "llama.speculativeDecoding.draftModel": "small",
    "llama.speculativeDecoding.draftMaxTokens": 4,
    "llama.speculativeDecoding.draftMinTokens": 1,
    "llama.speculativeDecoding.draftMinContinueProbability": 0.5,
    "llama.useFp16ForKVCache": False,
    "llama.tryDirectIO": True,
    "llama.argumentsOverride": {
        "enabled": True,
        "disabledParameters": ["--jinja"],
        "overrideParameters": [{"key": "--threads", "value": "1"}],
        "excludeAllConfig": False,
    },
    "llama.kCacheQuantizationType": on("q8_0"),
    "llama.vCacheQuantizationType": on("f16"),
    "mlx.autoFit": True,
    "mlx.diskCache": False,
    "mlx.kvCacheQuantization": {
        "enabled": True,
        "bits": 4,
        "groupSize": 32,
        "quantizedStart": 100,
    },
    "yuzu.autoFit": False,
    "vllm.gpuMemoryUtilization": 0.5,
    "vllm.reasoningParser": "qwen3",
    "vllm.toolCallParser": "hermes",
}
LLM_LOAD: dict[str, Any] = {
    "envVars": {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"},
    "load.gpuSplitConfig": GPUS,
    "load.gpuStrictVramCap": True,
    **{f"llm.load.{key}": value for key, value in _LLM.items()},
    **_llama("llm"),
}
EMBEDDING_LOAD: dict[str, Any] = {
    "load.gpuSplitConfig": GPUS,
    "load.gpuStrictVramCap": True,
    "embedding.load.contextLength": 512,
    "embedding.load.seed": on(7),
    **_llama("embedding"),
}
