"""How an instance is loaded: from key-value settings to llama.cpp's parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

from msgspec import Struct

from model_fixtures.server.protocol.kv_config import Settings, checkbox

from .known_settings import EMBEDDING_LOAD, LLM_LOAD, CacheType, given

DEFAULT_BATCH = 512
MOST_SESSIONS = 8  # each has a process and a context of its own
MAX_BATCH = 2**20  # tokens; llama.cpp takes no more than the context anyway
SESSIONS = "llm.load.numParallelSessions"
SILENCE = 30.0  # seconds; SDKs give up after 60
CACHE_TYPES: tuple[CacheType, ...] = get_args(CacheType)


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
        cache_type_k=cache_type(settings, "k"),
        cache_type_v=cache_type(settings, "v"),
        projector=None if projector is None else str(projector),
        adapter=None if adapter is None else str(adapter),
    )


def cache_type(settings: Settings, part: Literal["k", "v"]) -> CacheType | None:
    """Return the type of the keys or values in the KV cache; by default llama.cpp chooses f16."""
    value = settings.checked_text(f"llm.load.llama.{part}CacheQuantizationType")
    return next((known for known in CACHE_TYPES if known == value), None)


def sessions_of(settings: Settings) -> int:
    """Return how many predictions an LLM runs at once."""
    wanted = given(settings, {SESSIONS: LLM_LOAD[SESSIONS]}).get(SESSIONS, 1)
    return min(int(wanted), MOST_SESSIONS)


def effective_load_config(
    settings: Settings, *, embedding: bool, context_length: int
) -> dict[str, Any]:
    """Return the fields that `getLoadConfig` reports: the requested ones over the defaults."""
    prefix = "embedding.load" if embedding else "llm.load"
    llama = f"{prefix}.llama"
    defaults: dict[str, Any] = {
        f"{llama}.acceleration.offloadRatio": "max",
        f"{llama}.keepModelInMemory": True,
        f"{llama}.tryMmap": True,
        f"{llama}.ropeFrequencyBase": checkbox(None),
        f"{llama}.ropeFrequencyScale": checkbox(None),
    }
    if not embedding:
        defaults |= {
            "llm.load.seed": checkbox(None, -1),
            "llm.load.numExperts": 0,
            "llm.load.offloadKVCacheToGpu": True,
            f"{llama}.flashAttention": False,
            f"{llama}.useFp16ForKVCache": True,
            f"{llama}.kCacheQuantizationType": checkbox(None, "f16"),
            f"{llama}.vCacheQuantizationType": checkbox(None, "f16"),
            "load.gpuStrictVramCap": False,
        }
    applied = {
        f"{prefix}.contextLength": context_length,
        f"{llama}.evalBatchSize": _batch(settings, llama),
    }
    if not embedding:
        applied[SESSIONS] = sessions_of(settings)
    return defaults | given(settings, EMBEDDING_LOAD if embedding else LLM_LOAD) | applied


def _batch(settings: Settings, llama: str) -> int:
    batch = settings.integer(f"{llama}.evalBatchSize", DEFAULT_BATCH)
    return batch if 1 <= batch <= MAX_BATCH else DEFAULT_BATCH
