"""Endpoints that `llm` and `embedding` share: loading, unloading, information, tokens."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from model_fixtures.server.engine.running_predictions import processing_state
from model_fixtures.server.models.jit_load_under_way import JitListener
from model_fixtures.server.models.memory_estimate import memory_estimate
from model_fixtures.server.models.model_info import instance_info, model_info
from model_fixtures.server.protocol import kv_config
from model_fixtures.server.protocol.errors import DeviceNotLinkedError, ServerError
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.protocol.payloads import models

from .handler_context import ChannelPort, Context

Domain = Literal["llm", "embedding"]


def add_model_endpoints(namespace: Namespace, domain: Domain) -> None:
    """Declare the shared endpoints in a namespace for the models of a domain."""

    @namespace.channel("loadModel", models.LoadModel, models.Cancel)
    async def load_model(context: Context, request: models.LoadModel, port: ChannelPort) -> None:
        _check_device(request.device_identifier)
        identifier = None if request.identifier is UNSET else _name(request.identifier)
        key = _name(request.model_key)
        model, candidates = await context.models.downloaded.find(key, domain)
        info = await context.state.looking.run(model_info, model)
        resolved: dict[str, Any] = {"type": "resolved", "info": info}
        if len(candidates) > 1:
            resolved["ambiguous"] = candidates
        await port.send(resolved)
        with port.cancellable():
            instance = await context.models.loaded.load(
                model,
                Settings.from_stack(request.load_config_stack),
                identifier=identifier,
                ttl=_seconds(request.ttl_ms),
                on_progress=lambda share: port.progress({"type": "progress", "progress": share}),
            )
            await port.send({"type": "success", "info": instance_info(instance)})
            return
        raise ServerError("The load was cancelled")

    @namespace.channel("getOrLoad", models.GetOrLoad, models.Cancel)
    async def get_or_load(context: Context, request: models.GetOrLoad, port: ChannelPort) -> None:
        _check_device(request.device_identifier)
        identifier = _name(request.identifier)
        found = await context.models.jit.staying(identifier, domain) is not None
        if not found:
            model, _ = await context.models.downloaded.find(identifier, domain)
            info = await context.state.looking.run(model_info, model)
            started = {"identifier": identifier, "info": info}
            await port.send({"type": "startLoading", **started})
        listener = JitListener(
            lambda share: port.progress({"type": "loadProgress", "progress": share}),
            lambda other: port.progress(
                {"type": "unloadingOtherJITModel", "info": instance_info(other)}
            ),
            context.client,
        )
        with port.cancellable():
            instance = await context.models.jit.get_or_load(
                identifier,
                domain,
                Settings.from_stack(request.load_config_stack),
                ttl=_seconds(request.load_ttl_ms),
                listener=listener,
            )
            kind = "alreadyLoaded" if found else "loadSuccess"
            await port.send({"type": kind, "info": instance_info(instance)})
            return
        raise ServerError("The load was cancelled")

    @namespace.rpc("unloadModel", models.UnloadModel)
    async def unload_model(context: Context, request: models.UnloadModel) -> None:
        query = models.ModelQuery(
            identifier=_name(request.identifier), device_identifier=request.device_identifier
        )
        instance = context.models.loaded.find(models.QuerySpecifier(query), domain)
        await context.models.loaded.unload(instance)

    @namespace.rpc("listLoaded")
    def list_loaded(context: Context, _: None) -> list[models.InstanceInfo]:
        return [instance_info(instance) for instance in context.models.loaded.all(domain)]

    @namespace.rpc("getModelInfo", models.GetModelInfo)
    def get_model_info(
        context: Context, request: models.GetModelInfo
    ) -> models.InstanceInfo | None:
        try:
            return instance_info(context.models.loaded.find(request.specifier, domain))
        except ServerError:
            if request.throw_if_not_found:
                raise
            return None

    @namespace.rpc("getLoadConfig", models.Specified)
    def get_load_config(context: Context, request: models.Specified) -> dict[str, Any]:
        instance = context.models.loaded.find(request.specifier, domain)
        return kv_config.to_wire(instance.load_config)

    @namespace.rpc("getInstanceProcessingState", models.GetModelInfo)
    def get_instance_processing_state(
        context: Context, request: models.GetModelInfo
    ) -> dict[str, Any] | None:
        try:
            instance = context.models.loaded.find(request.specifier, domain)
        except ServerError:
            if request.throw_if_not_found:
                raise
            return None
        if domain == "llm":
            return processing_state(instance.phases())
        waiting = max(0, instance.requests - 1)
        return {"status": "computingEmbedding" if instance.busy else "idle", "queued": waiting}

    @namespace.rpc("estimateModelUsage", models.EstimateUsage)
    async def estimate_model_usage(
        context: Context, request: models.EstimateUsage
    ) -> dict[str, Any]:
        _check_device(request.device_identifier)
        model, _ = await context.models.downloaded.find(_name(request.model_key), domain)
        settings = Settings.from_stack(request.load_config_stack)
        memory = await context.state.looking.run(memory_estimate, model, settings)
        return {"memory": memory, "passesGuardrails": True}

    @namespace.rpc("tokenize", models.Tokenize)
    async def tokenize(context: Context, request: models.Tokenize) -> dict[str, list[int]]:
        instance = context.models.loaded.find(request.specifier, domain)
        with context.models.loaded.using(instance, context.client):
            return {"tokens": await instance.llama.tokenize(request.input_string, special=True)}

    @namespace.rpc("countTokens", models.Tokenize)
    async def count_tokens(context: Context, request: models.Tokenize) -> dict[str, int]:
        instance = context.models.loaded.find(request.specifier, domain)
        # Begin and end markers of embedding models are tokens but don't count, as in the app.
        special = domain == "llm"
        with context.models.loaded.using(instance, context.client):
            tokens = await instance.llama.tokenize(request.input_string, special=special)
        return {"tokenCount": len(tokens)}


def _name(text: str) -> str:
    if not 1 <= len(text) <= models.MAX_NAME:
        raise ServerError(f"A name has 1 to {models.MAX_NAME} characters, this one {len(text)}")
    return text


def _seconds(milliseconds: float | UnsetType) -> float | None:
    return None if milliseconds is UNSET else milliseconds / 1000


def _check_device(device: models.Device) -> None:
    """Raise an error if a request is for another machine."""
    if isinstance(device, str):
        raise DeviceNotLinkedError(device)
