"""How an instance is loaded: from key-value settings to llama.cpp's parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from model_fixtures.server.protocol.kv_config import Settings, checkbox

DEFAULT_BATCH = 512
MAX_BATCH = 2**20  # tokens; llama.cpp takes no more than the context anyway
SILENCE = 30.0  # seconds; SDKs give up after 60
CACHE_TYPES = {"f32", "f16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1"}


class EngineConfig(Struct, frozen=True, kw_only=True):
    """What a worker process needs to know; sent to it as JSON."""

    model: str
    embedding: bool
    context_length: int  # tokens
    threads: int
    batch: int  # tokens
    mmap: bool
    flash_attention: bool | None  # None = llama.cpp decides
    rope_freq_base: float | None
    rope_freq_scale: float | None
    cache_type_k: str | None
    cache_type_v: str | None
    alias: str = ""  # what llama.cpp's own answers call the model
    draft_model: str | None = None  # another model file that proposes tokens
    projector: str | None = None  # mmproj file: what lets the model read images
    adapter: str | None = None  # LoRA file
    name: str = "a model"  # what errors and logs call the worker
    silence: float = SILENCE  # seconds without a sign of life after which it is ended


def engine_config(
    file: Path,
    settings: Settings,
    *,
    embedding: bool,
    context_length: int,
    threads: int,
    projector: Path | None = None,
    adapter: Path | None = None,
) -> EngineConfig:
    """Return the worker's configuration for a model file and the settings of a load request."""
    prefix = "embedding.load" if embedding else "llm.load"

    def cache_type(key: str) -> str | None:
        value = settings.checked_text(f"llm.load.llama.{key}CacheQuantizationType")
        return value if value in CACHE_TYPES else None

    flash = settings.boolean("llm.load.llama.flashAttention", False)
    return EngineConfig(
        model=str(file),
        embedding=embedding,
        context_length=context_length,
        threads=threads,
        batch=_batch(settings, f"{prefix}.llama"),
        mmap=settings.boolean(f"{prefix}.llama.tryMmap", True),
        flash_attention=True if flash else None,
        rope_freq_base=settings.checked(f"{prefix}.llama.ropeFrequencyBase", None),
        rope_freq_scale=settings.checked(f"{prefix}.llama.ropeFrequencyScale", None),
        cache_type_k=cache_type("k"),
        cache_type_v=cache_type("v"),
        projector=None if projector is None else str(projector),
        adapter=None if adapter is None else str(adapter),
    )


def effective_load_config(
    settings: Settings, *, embedding: bool, context_length: int
) -> dict[str, Any]:
    """Return the fields that `getLoadConfig` reports: the requested ones over the defaults."""
    prefix = "embedding.load" if embedding else "llm.load"
    llama = f"{prefix}.llama"
    fields: dict[str, Any] = {
        f"{prefix}.contextLength": context_length,
        f"{llama}.acceleration.offloadRatio": _ratio(settings, llama),
        f"{llama}.keepModelInMemory": settings.boolean(f"{llama}.keepModelInMemory", True),
        f"{llama}.tryMmap": settings.boolean(f"{llama}.tryMmap", True),
        f"{llama}.evalBatchSize": _batch(settings, llama),
    }
    for name in ("ropeFrequencyBase", "ropeFrequencyScale"):
        fields[f"{llama}.{name}"] = checkbox(settings.checked(f"{llama}.{name}", None))
    if not embedding:
        fields["llm.load.seed"] = checkbox(settings.checked("llm.load.seed", None), -1)
        fields["llm.load.numExperts"] = settings.integer("llm.load.numExperts", 0)
        for key, default in (
            ("llm.load.offloadKVCacheToGpu", True),
            (f"{llama}.flashAttention", False),
            (f"{llama}.useFp16ForKVCache", True),
        ):
            fields[key] = settings.boolean(key, default)
        for letter in "kv":
            key = f"{llama}.{letter}CacheQuantizationType"
            value = settings.checked_text(key)
            fields[key] = checkbox(value if value in CACHE_TYPES else None, "f16")
        fields["load.gpuStrictVramCap"] = settings.boolean("load.gpuStrictVramCap", False)
    split = settings.mapping("load.gpuSplitConfig")
    if {"strategy", "disabledGpus", "priority", "customRatio"} <= split.keys():
        fields["load.gpuSplitConfig"] = split
    return fields


def _batch(settings: Settings, llama: str) -> int:
    batch = settings.integer(f"{llama}.evalBatchSize", DEFAULT_BATCH)
    return batch if 1 <= batch <= MAX_BATCH else DEFAULT_BATCH


def _ratio(settings: Settings, llama: str) -> float | str:
    key = f"{llama}.acceleration.offloadRatio"
    word = settings.text(key, "")
    if word in {"max", "off"}:
        return word
    number = settings.number(key, -1)
    return number if 0 <= number <= 1 else "max"
