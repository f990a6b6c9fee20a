"""Search in a folder of notes by what they mean."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import lmstudio as lms
import msgspec

from .connection import Connection
from .errors import AssistantError
from .whole_files import write_whole


@dataclass(frozen=True)
class Found:
    """A paragraph that was found; its similarity is between -1 and 1."""

    file: str
    text: str
    similarity: float


class Notes:
    """The notes of a folder: text files (`*.md`, `*.txt`) of which each paragraph can be found.

    Args:
        connection: the connection to LM Studio.
        model: the key of the embedding model.
        folder: the folder with the notes.
        index: a file that keeps the paragraphs' vectors, so that each is computed once.
    """

    def __init__(self, connection: Connection, model: str, folder: Path, index: Path) -> None:
        self._connection = connection
        self._model = model
        self._folder = folder
        self._index = index

    def search(self, question: str, limit: int = 3) -> list[Found]:
        """Return the paragraphs that are nearest to a question, the best one first.

        Raises:
            AssistantError: there are no notes, or LM Studio cannot answer.
        """
        paragraphs = self._paragraphs()
        if not paragraphs:
            raise AssistantError(f"there are no notes in {self._folder}: write some *.md or *.txt")
        vectors = self._vectors([text for _, text in paragraphs])
        (wanted,) = self._embed([question])
        found = [
            Found(file, text, _cosine(wanted, vectors[_name(self._model, text)]))
            for file, text in paragraphs
        ]
        return sorted(found, key=lambda each: each.similarity, reverse=True)[:limit]

    def _paragraphs(self) -> list[tuple[str, str]]:
        """Return file name and text of each paragraph."""
        files = sorted(path for path in self._folder.glob("*") if path.suffix in {".md", ".txt"})
        return [
            (file.name, paragraph.strip())
            for file in files
            for paragraph in file.read_text(encoding="utf-8", errors="replace").split("\n\n")
            if paragraph.strip()
        ]

    def _vectors(self, texts: Sequence[str]) -> dict[str, Sequence[float]]:
        """Return the vector of each text by name; only new texts are sent to the model."""
        kept: dict[str, Sequence[float]] = {}
        if self._index.exists():
            with suppress(msgspec.DecodeError):  # a damaged index is made again
                kept = msgspec.json.decode(self._index.read_bytes(), type=dict[str, list[float]])
        names = {_name(self._model, text): text for text in texts}
        new = [name for name in names if name not in kept]
        if new:
            kept.update(zip(new, self._embed([names[name] for name in new]), strict=True))
            write_whole(self._index, msgspec.json.encode({name: kept[name] for name in names}))
        return kept

    def _embed(self, texts: Sequence[str]) -> list[Sequence[float]]:
        def embed(client: lms.Client) -> list[Sequence[float]]:
            model = client.embedding.model(self._model)
            return [cast("Sequence[float]", model.embed(text)) for text in texts]

        return self._connection.ask(embed)


def _name(model: str, text: str) -> str:
    """Return the name of a text's vector, which no other model or text has."""
    return hashlib.sha256(f"{model}\n{text}".encode()).hexdigest()


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other))
