"""How much memory a model will take, before it is loaded."""

from __future__ import annotations

from typing import Any

from model_fixtures.catalog import CatalogModel, GgufHeaderError, answering_file, size_bytes
from model_fixtures.catalog.gguf_header import read_header
from model_fixtures.server.engine.known_settings import CacheType
from model_fixtures.server.engine.load_config import cache_type, sessions_of
from model_fixtures.server.protocol.kv_config import Settings

from .start_engine import requested_context


def memory_estimate(model: CatalogModel, settings: Settings) -> dict[str, Any]:
    """Return the bytes that a model's files and the KV cache of its context will take.

    A model whose file is not in the cache yet, or cannot be read, has no `contextBytes`. Everything
    is in main memory, and llama.cpp's buffers for computing are not counted.
    """
    size, context = size_bytes(model), _cache_bytes(model, settings)
    return {
        "confidence": "low",
        "modelVramBytes": 0,
        "contextVramBytes": 0,
        "totalVramBytes": 0,
        "modelBytes": size,
        "contextBytes": context,
        "totalBytes": size + context,
    }


def _cache_bytes(model: CatalogModel, settings: Settings) -> int:
    file = answering_file(model)
    if file is None or model.domain == "embedding":  # these compute without a cache
        return 0
    try:
        header = read_header(file)
    except (GgufHeaderError, OSError):
        return 0
    keys = _bytes(header.cached_keys or 0, cache_type(settings, "k"))
    values = _bytes(header.cached_values or 0, cache_type(settings, "v"))
    return (keys + values) * requested_context(model, settings) * sessions_of(settings)


def _bytes(numbers: int, kind: CacheType | None) -> int:
    import gguf  # late: it imports numpy, which the start of a server need not wait for

    block, block_bytes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[(kind or "f16").upper()]]
    return numbers * block_bytes // block
