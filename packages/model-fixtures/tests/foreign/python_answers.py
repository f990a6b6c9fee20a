"""What the Python SDK gets for the same requests as the JavaScript cases, by the case's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmstudio

LLM = "llama-3.2-1b-instruct"
TOOL_LLM = "qwen2.5-7b-instruct-1m"
VISION_LLM = "mobilevlm_v2-1.7b"
EMBEDDING = "text-embedding-nomic-embed-text-v1.5"
TEXT = "The quick brown fox jumps over the lazy dog."
CAT = "A cat sits on the mat."
SHORT: Any = {"temperature": 0, "maxTokens": 24}

Answer = Callable[[lmstudio.Client, Path], Any]


def _downloaded(client: lmstudio.Client, _: Path) -> list[str]:
    return sorted(model.model_key for model in client.list_downloaded_models())


def _tokens(text: str) -> Answer:
    return lambda client, _: list(client.llm.model(LLM).tokenize(text))


def _template(client: lmstudio.Client, _: Path) -> str:
    chat = lmstudio.Chat("Be brief.")
    chat.add_user_message("Hi")
    chat.add_assistant_response("Hello!")
    chat.add_user_message("Bye")
    return client.llm.model(LLM).apply_prompt_template(chat)


def _respond(client: lmstudio.Client, _: Path) -> str:
    question = "What is the capital of France?"
    return client.llm.model(LLM).respond(question, config=SHORT).content


def _respond_in_chat(client: lmstudio.Client, _: Path) -> str:
    chat = lmstudio.Chat("Answer in one short sentence.")
    chat.add_user_message("My name is Ada.")
    chat.add_assistant_response("Hello Ada.")
    chat.add_user_message("What is my name?")
    return client.llm.model(LLM).respond(chat, config=SHORT).content


def _complete(client: lmstudio.Client, _: Path) -> str:
    config: Any = {"temperature": 0, "maxTokens": 8}
    return client.llm.model(LLM).complete("1, 2, 3, 4, 5, 6,", config=config).content


def _structured(client: lmstudio.Client, _: Path) -> Any:
    schema = {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "pages": {"type": "integer", "minimum": 1, "maximum": 999},
        },
        "required": ["title", "pages"],
        "additionalProperties": False,
    }
    config: Any = {"temperature": 0}
    question = "Describe the book The Hobbit as JSON."
    return client.llm.model(LLM).respond(question, response_format=schema, config=config).parsed


def _act(client: lmstudio.Client, _: Path) -> str:
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    def multiply(a: int, b: int) -> int:
        """Multiply two numbers."""
        return a * b

    def lookup(name: str) -> str:
        """Look up the phone number of a person."""
        raise LookupError(f"no entry for {name}")

    said: list[str] = []
    client.llm.model(TOOL_LLM).act(
        "What is the sum of 123 and 3210?",
        [add, multiply, lookup],
        config={"temperature": 0},
        on_prediction_completed=lambda result: said.append(result.content),
    )
    return said[-1]


def _image(client: lmstudio.Client, folder: Path) -> str:
    chat = lmstudio.Chat()
    image = client.prepare_image(folder / "red.png")
    chat.add_user_message("What colour is the figure?", images=[image])
    return client.llm.model(VISION_LLM).respond(chat, config=SHORT).content


def _embedding(client: lmstudio.Client, _: Path) -> Any:
    return client.embedding.model(EMBEDDING).embed(CAT)


def _embedding_tokens(client: lmstudio.Client, _: Path) -> Any:
    return client.embedding.model(EMBEDDING).tokenize(CAT)


PYTHON_ANSWERS: dict[str, Answer] = {
    "system: downloaded models": _downloaded,
    "tokens: one text": _tokens(TEXT),
    "tokens: other scripts": _tokens("Grüße, мир, 世界, 👩‍👩‍👧"),
    "template: chat": _template,
    "respond: text": _respond,
    "respond: chat": _respond_in_chat,
    "complete: text": _complete,
    "structured: JSON schema": _structured,
    "act: one call": _act,
    "image: described": _image,
    "embedding: one text": _embedding,
    "embedding: tokens": _embedding_tokens,
}
