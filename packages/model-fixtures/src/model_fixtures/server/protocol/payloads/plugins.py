"""Payloads of the `plugins` namespace."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from msgspec import UNSET, Meta, Struct, UnsetType

from model_fixtures.server.protocol.kv_config import Config

from .models import History

KebabCase = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=100)]


class Manifest(Struct):
    """What a plugin says of itself; the runner is not checked."""

    type: Literal["plugin"]
    runner: str
    owner: KebabCase
    name: KebabCase


class RegisterDevelopmentPlugin(Struct):
    """Creation parameter of `registerDevelopmentPlugin`."""

    manifest: Manifest


class End(Struct):
    """The end of a registration."""

    type: Literal["end"]


class SchematicsField(Struct, rename="camel"):
    """One setting that a plugin declares."""

    full_key: str
    type_key: str
    default_value: Any = UNSET


class Schematics(Struct):
    """The settings that a plugin declares."""

    fields: list[SchematicsField]


class SetSchematics(Struct):
    """Parameter of `setConfigSchematics` and `setGlobalConfigSchematics`."""

    schematics: Schematics


class Processing(Struct):
    """Parameter of the `processing...` calls: which prediction process they are about."""

    pci: str
    token: str


class HandleUpdate(Processing):
    """Parameter of `processingHandleUpdate`."""

    update: dict[str, Any]


class HandleRequest(Processing):
    """Parameter of `processingHandleRequest`."""

    request: dict[str, Any]


class PullHistory(Processing, rename="camel"):
    """Parameter of `processingPullHistory`."""

    include_current: bool


class Name(Processing):
    """Parameter of `processingSuggestName` and `processingSetSenderName`."""

    name: str


class DirectConfig(Struct, tag_field="type", tag="direct", rename="camel"):
    """A plugin's settings in the request itself."""

    config: Config
    working_directory_path: str | UnsetType = UNSET


class ProcessConfig(Struct, tag_field="type", tag="predictionProcess"):
    """A plugin's settings as they are in a prediction process."""

    pci: str
    token: str


ConfigSpecifier = Union[DirectConfig, ProcessConfig]  # noqa: UP007 (msgspec, Python 3.10)


class StartToolUseSession(Struct, rename="camel"):
    """Creation parameter of `startToolUseSession`."""

    plugin_identifier: str
    plugin_config_specifier: ConfigSpecifier


class CallTool(Struct, tag_field="type", tag="callTool", rename="camel"):
    """A tool call of a client; its number comes back with the result."""

    call_id: int
    name: str
    arguments: Any


class AbortToolCall(Struct, tag_field="type", tag="abortToolCall", rename="camel"):
    """The end of a tool call that the client gives up."""

    call_id: int


class DiscardSession(Struct, tag_field="type", tag="discardSession"):
    """The end of a client's session."""


ToolUsePacket = Union[CallTool, AbortToolCall, DiscardSession]  # noqa: UP007


class GenerateWithGenerator(Struct, rename="camel"):
    """Creation parameter of `generateWithGenerator`."""

    plugin_identifier: str
    plugin_config_specifier: ConfigSpecifier
    tools: list[dict[str, Any]]
    history: History


class ReportError(Struct, rename="camel"):
    """Parameter of `reportError`: what a plugin's runner could not reach, and why."""

    type: Literal["unauthorized", "networkUnavailable"]
    plugin_run_id: str
    server_url: str
    message: str
    unavailable_host: str | UnsetType = UNSET
