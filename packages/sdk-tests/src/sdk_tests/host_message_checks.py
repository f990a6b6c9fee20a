"""Checks of a host's messages against the SDK's generated structs, stricter than the SDK's own.

The SDK ignores unknown fields. Here they are problems, except for those in NEWER, which newer
clients need. The names of the structs follow from namespace and endpoint, so only NEWER is kept by
hand.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, get_type_hints

import msgspec
from lmstudio import _sdk_models
from msgspec import UNSET, inspect, structs

INFO = {"publisher", "indexedModelIdentifier", "deviceIdentifier", "quantization"}
INSTANCE = {"ttlMs", "lastUsedTime"}
NEWER: dict[str, set[str]] = {
    "LlmInfo": INFO,
    "LlmInstanceInfo": INFO | INSTANCE,
    "EmbeddingModelInfo": INFO,
    "EmbeddingModelInstanceInfo": INFO | INSTANCE,
    "LlmPredictionFragment": {"isStructural"},
    "PluginsChannelRegisterDevelopmentPluginToClientPacketReady": {"baseUrl"},
    "LlmChannelPredictToClientPacketPromptProcessingProgress": {"details"},
    "LlmPredictionStats": {"totalTimeSec", "stopString"},
    "ModelSearchResultDownloadOptionData": {"compatibilityType"},
}
"""Fields that are newer than the SDK's schema, by the struct that has them."""


def result_problems(namespace: str, endpoint: str, result: object) -> list[str]:
    """Return what is wrong with the result of a call; UNSET means that there is no result."""
    where = f"{namespace}.{endpoint}"
    fields = _fields(f"Pseudo{_title(namespace)}Rpc{_title(endpoint)}")
    if fields is None:
        return [f"{where}: no such call in the schema"]
    if "returns" not in fields:
        return [] if result is UNSET else [f"{where}: has a result: {result!r:.80}"]
    return _problems(where, fields["returns"], None if result is UNSET else result)


def packet_problems(namespace: str, endpoint: str, packet: object) -> list[str]:
    """Return what is wrong with a packet on a channel."""
    where = f"{namespace}.{endpoint}"
    fields = _fields(f"Pseudo{_title(namespace)}Channel{_title(endpoint)}")
    if fields is None or "toClientPacket" not in fields:
        return [f"{where}: no such channel in the schema, or one without packets"]
    return _problems(where, fields["toClientPacket"], packet)


def error_problems(namespace: str, endpoint: str, error: object) -> list[str]:
    """Return what is wrong with an error that ends a call or a channel."""
    where = f"{namespace}.{endpoint} (error)"
    return _problems(where, _sdk_models.SerializedLMSExtendedError, error)


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


@cache  # reading annotations takes milliseconds, and a stream has hundreds of packets
def _fields(name: str) -> dict[str, Any] | None:
    """Return the types of an endpoint's parts, or None when the schema has no such endpoint."""
    endpoint = getattr(_sdk_models, name, None)
    if endpoint is None:
        return None
    if not (isinstance(endpoint, type) and issubclass(endpoint, msgspec.Struct)):
        return {}  # neither parameter nor result
    hints = get_type_hints(endpoint)
    return {field.encode_name: hints[field.name] for field in structs.fields(endpoint)}


def _problems(where: str, expected: Any, value: object) -> list[str]:
    try:
        msgspec.convert(value, expected)
    except msgspec.ValidationError as error:
        return [f"{where}: {error}"]
    return [f"{where}: {problem}" for problem in _unknown(_type_info(expected), value, "$")]


@cache
def _type_info(expected: Any) -> inspect.Type:
    return inspect.type_info(expected)


def _unknown(info: inspect.Type, value: object, path: str) -> Iterator[str]:
    """Yield the unknown fields of a value that has passed `msgspec.convert`."""
    if isinstance(info, inspect.Metadata):
        yield from _unknown(info.type, value, path)
    elif isinstance(info, inspect.UnionType):
        yield from _unknown(_branch(info, value), value, path)
    elif isinstance(info, inspect.StructType) and isinstance(value, dict):
        known = {field.encode_name: field.type for field in info.fields}
        for key, item in value.items():
            if key in known:
                yield from _unknown(known[key], item, f"{path}.{key}")
            elif key != info.tag_field and key not in NEWER.get(info.cls.__name__, ()):
                yield f"unknown field {path}.{key} of {info.cls.__name__}"
    elif isinstance(info, inspect.CollectionType) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(info.item_type, item, f"{path}[{index}]")
    elif isinstance(info, inspect.DictType) and isinstance(value, dict):
        for key, item in value.items():
            yield from _unknown(info.value_type, item, f"{path}.{key}")


def _branch(union: inspect.UnionType, value: object) -> inspect.Type:
    """Return the member of a union to which a value belongs."""
    structs = [info for info in union.types if isinstance(info, inspect.StructType)]
    if isinstance(value, dict):
        for info in structs:
            if info.tag_field is None or value.get(info.tag_field) == info.tag:
                return info
    for other in union.types:
        if isinstance(other, (inspect.CollectionType, inspect.DictType)):
            return other
    return inspect.AnyType()
