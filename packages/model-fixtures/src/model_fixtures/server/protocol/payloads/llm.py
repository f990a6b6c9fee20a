"""Payloads of the `llm` namespace, beside those that it shares with `embedding`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from model_fixtures.server.protocol.kv_config import Stack

from .models import History, Specifier


class Predict(Struct, rename="camel"):
    """Creation parameter of `predict`."""

    model_specifier: Specifier
    history: History
    prediction_config_stack: Stack
    fuzzy_preset_identifier: str | UnsetType = UNSET
    ignore_server_session_config: bool | UnsetType = UNSET


class CompleteRawText(Struct, rename="camel"):
    """Creation parameter of `completeRawText`, the newer way to complete a text."""

    model_specifier: Specifier
    raw_prompt: str
    prediction_config_stack: Stack


class TemplateOptions(Struct, rename="camel"):
    """Options of `applyPromptTemplate`."""

    omit_bos_token: bool = False
    omit_eos_token: bool = False
    tool_definitions: list[dict[str, Any]] = []


class ApplyPromptTemplate(Struct, rename="camel"):
    """Parameter of `applyPromptTemplate`."""

    specifier: Specifier
    history: History
    prediction_config_stack: Stack
    opts: TemplateOptions


class PreloadDraftModel(Struct, rename="camel"):
    """Parameter of `preloadDraftModel`."""

    specifier: Specifier
    draft_model_key: str
