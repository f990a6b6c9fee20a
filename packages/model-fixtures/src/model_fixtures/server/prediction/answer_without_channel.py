"""A model's whole answer without a channel, for turns that tests drive."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import msgspec

from model_fixtures.server.engine.generation import Text, generate
from model_fixtures.server.plugins.chat_turn import Answer
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.protocol.payloads.models import History, ModelQuery, QuerySpecifier
from model_fixtures.server.server_state import ServerState

from .build import prepare_chat
from .chat_prompt import no_images, read_history


def answerer(state: ServerState) -> Answer:
    """Return a function that asks the loaded models of a server; it samples greedily."""

    async def answer(identifier: str, messages: list[dict[str, Any]]) -> str:
        query = QuerySpecifier(ModelQuery(identifier=identifier))
        instance = state.models.loaded.find(query, "llm")
        try:
            history = msgspec.convert({"messages": messages}, History)
        except msgspec.ValidationError as error:
            raise ServerError("A plugin has broken the chat", cause=str(error)) from error
        chat = read_history(history, no_images)
        settings = Settings({"llm.prediction.temperature": 0})
        text = ""
        with state.models.loaded.using(instance):
            prediction = await prepare_chat(state, instance, settings, chat)
            async with (
                instance.sessions.one() as session,
                aclosing(generate(session.engine, prediction.request)) as events,
            ):
                async for event in events:
                    if isinstance(event, Text):
                        text += event.content
        return text

    return answer
