"""The `llm` namespace: the shared model endpoints, and text generation."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from model_fixtures.server.engine.sampling import effective_prediction_config
from model_fixtures.server.handlers.handler_context import ChannelPort, Context
from model_fixtures.server.handlers.model_endpoints import add_model_endpoints
from model_fixtures.server.prediction.build import (
    image_reader,
    offered_tools,
    prepare_chat,
    prepare_completion,
    request_settings,
    sampling_of,
    usable_tools,
)
from model_fixtures.server.prediction.chat_prompt import chat_prompt, raw_prompt, read_history
from model_fixtures.server.prediction.running_prediction import draft_model
from model_fixtures.server.prediction.stream import run_prediction
from model_fixtures.server.protocol import kv_config
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.protocol.payloads import llm as payloads
from model_fixtures.server.protocol.payloads.models import BasePredictionConfig, Cancel

namespace = Namespace("llm")
add_model_endpoints(namespace, "llm")


@namespace.channel("predict", payloads.Predict, Cancel)
async def predict(context: Context, request: payloads.Predict, port: ChannelPort) -> None:
    """Stream a chat response, or a text completion if the request has that layer."""
    instance = context.models.loaded.find(request.model_specifier, "llm")
    stack = request.prediction_config_stack
    with context.models.loaded.using(instance, context.client):
        settings = await request_settings(context, stack, request.fuzzy_preset_identifier)
        text = raw_prompt(request.history, stack)
        if text is not None:
            prediction = await prepare_completion(context.state, instance, settings, text)
        else:
            # In a thread: unpacking large images takes a while.
            chat = await context.state.reading.run(
                read_history, request.history, image_reader(context, instance)
            )
            prediction = await prepare_chat(context.state, instance, settings, chat)
        await run_prediction(context, prediction, port)


@namespace.channel("completeRawText", payloads.CompleteRawText, Cancel)
async def complete_raw_text(
    context: Context, request: payloads.CompleteRawText, port: ChannelPort
) -> None:
    """Stream a text completion as newer clients ask for it."""
    instance = context.models.loaded.find(request.model_specifier, "llm")
    with context.models.loaded.using(instance, context.client):
        settings = await request_settings(context, request.prediction_config_stack, UNSET)
        prediction = await prepare_completion(context.state, instance, settings, request.raw_prompt)
        await run_prediction(context, prediction, port)


@namespace.rpc("applyPromptTemplate", payloads.ApplyPromptTemplate)
async def apply_prompt_template(
    context: Context, request: payloads.ApplyPromptTemplate
) -> dict[str, str]:
    """Return the prompt text of a chat, ending with the assistant's header."""
    instance = context.models.loaded.find(request.specifier, "llm")
    settings = Settings.from_stack(request.prediction_config_stack)
    options = request.opts
    omit = {"bos_token": options.omit_bos_token, "eos_token": options.omit_eos_token}
    with context.models.loaded.using(instance, context.client):
        # The marker of an image is shown, which needs no data.
        chat = read_history(request.history, lambda identifier: b"")
        conversions = context.state.conversions
        tools = await usable_tools(conversions, options.tool_definitions)
        tools = tools or await offered_tools(conversions, settings)
        prompt = await chat_prompt(
            instance.llama,
            chat,
            settings,
            templates=context.state.templates,
            tools=tools,
            omit=frozenset(name for name, left_out in omit.items() if left_out),
            trained=instance.model.trained_tool_format,
        )
    return {"formatted": prompt.text}


@namespace.rpc("getBasePredictionConfig", BasePredictionConfig)
async def get_base_prediction_config(
    context: Context, request: BasePredictionConfig
) -> dict[str, Any]:
    """Return the prediction settings that apply before a request's own."""
    instance = context.models.loaded.find(request.specifier, "llm")
    settings = Settings()
    sampling = sampling_of(instance, settings)
    return kv_config.to_wire(effective_prediction_config(settings, sampling))


@namespace.rpc("preloadDraftModel", payloads.PreloadDraftModel)
async def preload_draft_model(context: Context, request: payloads.PreloadDraftModel) -> None:
    """Check that the draft model exists; a prediction loads it when it needs it, as in the app."""
    context.models.loaded.find(request.specifier, "llm")
    await draft_model(context.state, request.draft_model_key)
