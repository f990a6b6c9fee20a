"""Model information in the shape that SDKs validate."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from model_fixtures.catalog import CatalogModel, size_bytes
from model_fixtures.server.protocol.payloads.models import InstanceInfo, ModelInfo, Quantization

from .loaded_instance import LoadedInstance


def model_info(model: CatalogModel) -> ModelInfo:
    """Return what clients are told of a downloaded model. It reads files: use a thread."""
    return ModelInfo(**_common(model, size_bytes(model)))


def instance_info(instance: LoadedInstance) -> InstanceInfo:
    """Return what clients are told of a loaded instance."""
    return InstanceInfo(
        **_common(instance.model, instance.size),
        identifier=instance.identifier,
        instance_reference=instance.reference,
        context_length=instance.context_length,
        ttl_ms=None if instance.ttl is None else round(instance.ttl * 1000),
        last_used_time=None,  # what the app sends, also right after a prediction
    )


def _common(model: CatalogModel, size: int) -> dict[str, Any]:
    bits = model.quantization_bits
    quantization = model.quantization
    llm = model.domain == "llm"
    return {
        "type": model.domain,
        "model_key": model.key,
        "format": "gguf",
        "display_name": model.display_name,
        "publisher": model.publisher,
        "path": model.path,
        "size_bytes": size,
        "indexed_model_identifier": model.path,
        "device_identifier": None,
        "max_context_length": model.max_context_length,
        "params_string": model.params or UNSET,
        "architecture": model.architecture or UNSET,
        "quantization": Quantization(quantization, bits) if quantization and bits else UNSET,
        "vision": model.vision if llm else UNSET,
        "trained_for_tool_use": model.tool_use if llm else UNSET,
    }
