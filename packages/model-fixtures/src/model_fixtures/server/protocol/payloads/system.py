"""Payloads of the `system` namespace."""

from __future__ import annotations

from msgspec import Struct


class Notification(Struct, rename="camel"):
    """Parameter of `notify`."""

    title: str
    description: str | None = None
    no_auto_dismiss: bool = False


class ExperimentFlag(Struct):
    """Parameter of `setExperimentFlag`."""

    code: str
    value: bool


class ModelKey(Struct, rename="camel"):
    """Parameter of `listDownloadedModelVariants`."""

    model_key: str


class HttpServer(Struct, rename="camel"):
    """Parameter of `startHttpServer`."""

    port: int | None = None
    cors: bool = False
    network_interface: str | None = None
