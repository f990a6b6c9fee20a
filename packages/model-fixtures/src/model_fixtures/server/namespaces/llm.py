"""The `llm` namespace: the shared model endpoints, and text generation."""

from __future__ import annotations

from typing import Any

import msgspec

from model_fixtures.server.engine.overflow import common_prefix
from model_fixtures.server.engine.prompt import Turn, chat_prompt, raw_prompt, turns_from
from model_fixtures.server.engine.sampling import (
    Sampling,
    effective_prediction_config,
    sampling_from,
)
from model_fixtures.server.engine.structured import grammar_for
from model_fixtures.server.protocol import errors, kv_config, models
from model_fixtures.server.protocol.endpoints import Namespace
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.registry.instance import Instance

from .context import ChannelPort, Context
from .model_endpoints import add_model_endpoints, engine_errors
from .prediction import Prediction, run_prediction

namespace = Namespace("llm")
add_model_endpoints(namespace, "llm")


class BasePredictionConfig(models.Specified):
    """Parameter of `getBasePredictionConfig`."""

    ignore_server_session_config: bool = False


@namespace.channel("predict", models.Predict, models.Cancel)
async def predict(context: Context, request: models.Predict, port: ChannelPort) -> None:
    """A chat response, or a text completion when the request brings that layer."""
    instance = context.registry.find(request.model_specifier, "llm")
    preset = request.fuzzy_preset_identifier
    if isinstance(preset, str) and preset:
        raise errors.preset_not_found(preset, [])
    settings = Settings.from_stack(request.prediction_config_stack)
    with context.registry.using(instance):
        raw = raw_prompt(request.history, request.prediction_config_stack)
        turns = [] if raw is not None else turns_from(request.history)
        await run_prediction(await _prepare(instance, settings, raw, turns), port)


@namespace.channel("completeRawText", models.CompleteRawText, models.Cancel)
async def complete_raw_text(
    context: Context, request: models.CompleteRawText, port: ChannelPort
) -> None:
    """A text completion as newer clients ask for it."""
    instance = context.registry.find(request.model_specifier, "llm")
    settings = Settings.from_stack(request.prediction_config_stack)
    with context.registry.using(instance):
        await run_prediction(await _prepare(instance, settings, request.raw_prompt, []), port)


@namespace.rpc("applyPromptTemplate", models.ApplyPromptTemplate)
async def apply_prompt_template(
    context: Context, request: models.ApplyPromptTemplate
) -> dict[str, str]:
    """The prompt text of a chat, ending with the assistant's header."""
    instance = context.registry.find(request.specifier, "llm")
    settings = Settings.from_stack(request.prediction_config_stack)
    special = await _special_texts(instance)
    if request.opts.omit_bos_token:
        special["bos_token"] = ""
    if request.opts.omit_eos_token:
        special["eos_token"] = ""
    with context.registry.using(instance), engine_errors():
        text = await chat_prompt(
            instance.llama, turns_from(request.history), settings, special=special
        )
    return {"formatted": text}


@namespace.rpc("getBasePredictionConfig", BasePredictionConfig)
async def get_base_prediction_config(
    context: Context, request: BasePredictionConfig
) -> dict[str, Any]:
    """The prediction settings that apply before a request's own."""
    instance = context.registry.find(request.specifier, "llm")
    settings = Settings()
    sampling = sampling_from(settings, load_seed=None, stand_in=instance.model.stand_in)
    return kv_config.to_wire(effective_prediction_config(settings, sampling))


@namespace.rpc("preloadDraftModel", models.PreloadDraftModel)
async def preload_draft_model(context: Context, request: models.PreloadDraftModel) -> None:
    """Best effort, as by the app: drafts are loaded when a prediction asks for one."""
    context.registry.find(request.specifier, "llm")
    if not context.registry.catalog.find(request.draft_model_key, "llm"):
        raise ServerError(f'Cannot find model "{request.draft_model_key}"')


async def _prepare(
    instance: Instance, settings: Settings, raw: str | None, turns: list[Turn]
) -> Prediction:
    model = instance.model
    load_seed = instance.settings.checked("llm.load.seed", None)
    sampling = sampling_from(
        settings,
        load_seed=int(load_seed) if load_seed is not None and load_seed >= 0 else None,
        stand_in=model.stand_in,
    )
    structured = settings.mapping("llm.prediction.structured")
    grammar = grammar_for(structured, bounded=model.stand_in)
    if grammar is not None and structured.get("type") == "json":
        sampling = _whole_json(settings, sampling, instance)
    with engine_errors():
        if raw is not None:
            tokens = await instance.llama.tokenize(raw, special=True)
            return Prediction(
                instance=instance,
                settings=settings,
                sampling=sampling,
                tokens=tokens,
                head=0,
                grammar=grammar,
            )
        special = await _special_texts(instance)
        text = await chat_prompt(instance.llama, turns, settings, special=special)
        tokens = await instance.llama.tokenize(text, special=True)
        head = 0
        if len(tokens) + (sampling.max_tokens or instance.context_length) > instance.context_length:
            first = await chat_prompt(
                instance.llama, _first_turns(turns), settings, special=special
            )
            head = common_prefix(tokens, await instance.llama.tokenize(first, special=True))
    return Prediction(
        instance=instance,
        settings=settings,
        sampling=sampling,
        tokens=tokens,
        head=head,
        grammar=grammar,
    )


def _whole_json(settings: Settings, sampling: Sampling, instance: Instance) -> Sampling:
    """A bounded grammar ends by itself; a stand-in's default limit would cut its JSON.

    A schema that refers to itself may still go on for ever, so the context is the limit.
    """
    asked = settings.checked("llm.prediction.maxPredictedTokens", None)
    if not instance.model.stand_in or asked is not None:
        return sampling
    return msgspec.structs.replace(sampling, max_tokens=None, overflow="stopAtLimit")


def _first_turns(turns: list[Turn]) -> list[Turn]:
    """The system prompt and the first user message: what `truncateMiddle` keeps."""
    kept: list[Turn] = []
    for turn in turns:
        kept.append(turn)
        if turn.role == "user":
            break
    return kept


async def _special_texts(instance: Instance) -> dict[str, str]:
    """The texts of the begin and end tokens, for templates that a request brings along."""
    properties = await instance.llama.properties()
    return {"bos_token": properties.bos_token, "eos_token": properties.eos_token}
