"""Payloads of the model namespaces: specifiers, loading, information about models."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from msgspec import UNSET, Meta, Struct, UnsetType

from model_fixtures.server.protocol.kv_config import Stack

# The SDK sends integral floats where whole numbers are meant (ttlMs 1500.0).
Milliseconds = Annotated[float, Meta(ge=1)]
MAX_NAME = 1024  # characters
# In queries a bad name is a bad parameter; elsewhere it is a text like any other, as in the app.
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
Device = Name | UnsetType | None  # None = this machine


class ModelQuery(Struct, rename="camel"):
    """Conditions on a loaded model, all of which must hold; none = any model."""

    domain: str | UnsetType = UNSET
    identifier: Name | UnsetType = UNSET
    path: Name | UnsetType = UNSET
    vision: bool | UnsetType = UNSET
    device_identifier: Device = UNSET


class QuerySpecifier(Struct, tag_field="type", tag="query"):
    """A model by query."""

    query: ModelQuery


class ReferenceSpecifier(Struct, rename="camel", tag_field="type", tag="instanceReference"):
    """A model by the opaque reference of one loaded instance."""

    instance_reference: str


Specifier = Union[QuerySpecifier, ReferenceSpecifier]  # noqa: UP007 (msgspec, Python 3.10)


class LoadModel(Struct, rename="camel"):
    """Creation parameter of `loadModel`."""

    model_key: str
    load_config_stack: Stack
    identifier: str | UnsetType = UNSET
    ttl_ms: Milliseconds | UnsetType = UNSET
    device_identifier: Device = UNSET


class GetOrLoad(Struct, rename="camel"):
    """Creation parameter of `getOrLoad`."""

    identifier: str
    load_config_stack: Stack
    load_ttl_ms: Milliseconds | UnsetType = UNSET
    device_identifier: Device = UNSET


class UnloadModel(Struct, rename="camel"):
    """Parameter of `unloadModel`."""

    identifier: str
    device_identifier: Device = UNSET


class GetModelInfo(Struct, rename="camel"):
    """Parameter of `getModelInfo`."""

    specifier: Specifier
    throw_if_not_found: bool


class Specified(Struct, rename="camel"):
    """Parameter of calls that only name a model."""

    specifier: Specifier


class BasePredictionConfig(Specified):
    """Parameter of `getBasePredictionConfig`."""

    ignore_server_session_config: bool = False


class EstimateUsage(Struct, rename="camel"):
    """Parameter of `estimateModelUsage`."""

    model_key: str
    load_config_stack: Stack
    device_identifier: Device = UNSET


class Tokenize(Struct, rename="camel"):
    """Parameter of `tokenize` and `countTokens`."""

    specifier: Specifier
    input_string: str


class History(Struct):
    """A chat: messages of role and content parts, checked when the prompt is made."""

    messages: list[Message]


class Message(Struct):
    """One message of a chat."""

    role: str
    content: list[dict[str, Any]]


class Cancel(Struct):
    """The only packet that a client sends on most channels."""

    type: Literal["cancel"]  # a field, because msgspec lets the tag of a single struct be absent


class Quantization(Struct):
    """Name and bits of the weights' type."""

    name: str
    bits: int


class ModelInfo(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """What is known of a downloaded model; `vision` and `trained_for_tool_use` are an LLM's."""

    type: str
    model_key: str
    format: str
    display_name: str
    publisher: str
    path: str
    size_bytes: int
    indexed_model_identifier: str
    device_identifier: None  # null = this machine; newer clients require the key
    max_context_length: int
    params_string: str | UnsetType = UNSET
    architecture: str | UnsetType = UNSET
    quantization: Quantization | UnsetType = UNSET
    vision: bool | UnsetType = UNSET
    trained_for_tool_use: bool | UnsetType = UNSET


class InstanceInfo(ModelInfo, kw_only=True, rename="camel", omit_defaults=True):
    """What is known of a loaded instance, on top of the model's own information."""

    identifier: str
    instance_reference: str
    context_length: int
    ttl_ms: int | None
    last_used_time: int | None
