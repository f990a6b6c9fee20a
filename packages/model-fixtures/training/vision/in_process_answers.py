"""Answers about images from llama.cpp in this process."""

from __future__ import annotations

from model_fixtures.images import PreparedImage, prepare

from .evaluation_sets import ImageCase
from .llama_in_process import LlamaInProcess, text_of


class InProcessAnswers:
    """Answers the questions of evaluation cases."""

    def __init__(self, llama: LlamaInProcess) -> None:
        self._llama = llama

    def __call__(self, case: ImageCase) -> str:
        """Return the answer to the case's question, with image and text in the case's order."""
        image = prepare(case.data, trim=True)
        parts: list[str | PreparedImage] = [image, case.question]
        if not case.image_first:
            parts.reverse()
        return text_of(self._llama.answer(parts, cache_prompt=True))
