"""A look at a picture."""

from __future__ import annotations

from pathlib import Path

import lmstudio as lms

from .connection import Connection
from .errors import AssistantError

QUESTION = "What is in this picture?"


def look_at(connection: Connection, model: str, picture: Path, question: str = QUESTION) -> str:
    """Return what a model that accepts images says about a picture.

    Args:
        connection: the connection to LM Studio.
        model: the key of the model.
        picture: a PNG, JPEG or WebP file.
        question: what to ask about it.

    Raises:
        AssistantError: the file cannot be read, or LM Studio cannot answer.
    """
    try:
        data = picture.read_bytes()
    except OSError as error:
        raise AssistantError(f"{picture} cannot be read: {error.strerror}") from None

    def ask(client: lms.Client) -> str:
        chat = lms.Chat()
        chat.add_user_message(question, images=[client.prepare_image(data, picture.name)])
        return client.llm.model(model).respond(chat, config={"maxTokens": 100}).content.strip()

    return connection.ask(ask)
