"""Chats and text completions: OpenAI's routes, and LM Studio's own under `/api/v0`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from model_fixtures.images import ImageError
from model_fixtures.server.grammars.tool_call_grammar import MAX_CALLS
from model_fixtures.server.models.loaded_instance import LoadedInstance
from model_fixtures.server.prediction.build import Prediction, prepare_chat, prepare_completion
from model_fixtures.server.prediction.chat_prompt import Chat, read_history
from model_fixtures.server.prediction.output_splitter import REASONING_KEY
from model_fixtures.server.prediction.running_prediction import RunningPrediction
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.server_state import ServerState

from .chat_choice import ChatChoice
from .completion_choice import CompletionChoice
from .error_responses import JSON, failure
from .event_stream import event_stream
from .named_instance import hold_instance
from .prediction_answer import CHAT, COMPLETION, Choice, PredictionAnswer, Shape
from .request_bodies import answer_body
from .request_checks import LMSTUDIO
from .request_images import image_addresses, read_image
from .request_messages import read_messages
from .request_settings import (
    log_prob_fields,
    offers_tools,
    sampling_fields,
    structure_setting,
    tool_fields,
)

# By the fourth chunk llama.cpp's log has told most grammars that it can't use.
CHUNKS_FIRST, CHUNKS_FIRST_WITH_GRAMMAR = 1, 4
REASONING_FORMATS = {None, "none", "auto", "deepseek", "deepseek-legacy"}  # llama.cpp's
AS_TEXT: dict[str, Any] = {REASONING_KEY: {"enabled": False}}

Body = dict[str, Any]
Run = tuple[RunningPrediction, Choice]
Prepare = Callable[[ServerState, LoadedInstance, Body], Awaitable[list[Run]]]


async def chat(request: Request) -> Response:
    """Answer a chat."""
    state: ServerState = request.app.state.server
    return await answer_body(request, partial(_chat, state, request.url.path))


async def complete(request: Request) -> Response:
    """Continue one or more texts."""
    state: ServerState = request.app.state.server
    return await answer_body(request, partial(_answer, state, request.url.path, _texts, COMPLETION))


async def _chat(state: ServerState, path: str, body: Body) -> Response:
    addresses = image_addresses(body["messages"])
    if any(not address.startswith("data:") for address in addresses):
        message = "Images must be in the request as a data: URI; the server fetches nothing"
        return failure(400, message, "invalid_image_url", "messages")
    if structure_setting(body) is not None and offers_tools(body):
        message = "A structure and tools exclude each other: leave one out, or set tool_choice none"
        return failure(400, message, "invalid_value", "tools")
    reasoning = body.get("reasoning_format")
    if not isinstance(reasoning, (str, type(None))) or reasoning not in REASONING_FORMATS:
        message = "Invalid value for 'reasoning_format': expected 'none' or 'auto'"
        return failure(400, message, "invalid_value")
    try:
        return await _answer(state, path, _chat_run, CHAT, body)
    except ImageError as error:
        return failure(400, str(error), "invalid_image", "messages")


async def _answer(
    state: ServerState, path: str, prepare: Prepare, kinds: tuple[str, str, str], body: Body
) -> Response:
    async with AsyncExitStack() as use:
        instance = await hold_instance(state, body, "llm", use)
        if isinstance(instance, Response):
            return instance
        if image_addresses(body.get("messages")) and not instance.model.vision:
            message = f"{instance.model.key} takes text only, no images, sounds or films"
            return failure(400, message, "invalid_image", "messages")
        prefix, kind, chunk_kind = kinds
        shape = Shape(
            prefix=prefix,
            kind=kind,
            chunk_kind=chunk_kind,
            details=path.startswith(LMSTUDIO),
            include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        )
        runs = await prepare(state, instance, body)
        answer = PredictionAnswer(instance, runs, shape)
        if not body.get("stream"):
            return Response(msgspec.json.encode(await answer.whole()), media_type=JSON)
        structured = structure_setting(body) is not None
        first = CHUNKS_FIRST_WITH_GRAMMAR if structured else CHUNKS_FIRST
        return await event_stream(answer.chunks(), use.pop_all(), first=first)


async def _chat_run(state: ServerState, instance: LoadedInstance, body: Body) -> list[Run]:
    most = (body.get("top_logprobs") or 0) if body.get("logprobs") else None
    fields = await sampling_fields(body, instance.llama)
    fields |= log_prob_fields(most) | tool_fields(body)
    if body.get("reasoning_format") == "none":
        fields |= AS_TEXT
    # In a thread: unpacking large images takes a while.
    said = await state.reading.run(_read_chat, body["messages"], instance.model.stand_in)
    prediction = await prepare_chat(
        state,
        instance,
        Settings(fields),
        said,
        most_calls=1 if body.get("parallel_tool_calls") is False else MAX_CALLS,
    )
    prediction = _changed(prediction, body)
    return [(RunningPrediction(state, prediction), ChatChoice(prediction))]


def _read_chat(messages: list[dict[str, Any]], trim: bool) -> Chat:
    return read_history(read_messages(messages), partial(read_image, trim=trim))


async def _texts(state: ServerState, instance: LoadedInstance, body: Body) -> list[Run]:
    fields = await sampling_fields(body, instance.llama)
    fields |= log_prob_fields(body.get("logprobs")) | AS_TEXT
    prompts: Any = body["prompt"]
    if isinstance(prompts, str) or isinstance(prompts[0], int):
        prompts = [prompts]
    runs: list[Run] = []
    for index, prompt in enumerate(prompts):
        prediction = await prepare_completion(state, instance, Settings(fields), prompt)
        prediction = _changed(prediction, body)
        runs.append((RunningPrediction(state, prediction), CompletionChoice(prediction, index)))
    return runs


def _changed(prediction: Prediction, body: Body) -> Prediction:
    """Return a prediction with what no setting of the websocket asks for."""
    if not body.get("ignore_eos"):
        return prediction
    replace = msgspec.structs.replace
    return replace(prediction, request=replace(prediction.request, ignore_eos=True))
