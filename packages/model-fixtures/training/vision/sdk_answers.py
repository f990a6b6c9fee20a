"""Answers about images from the SDK and a server."""

from __future__ import annotations

import io
import time

import lmstudio
from PIL import Image

from .evaluation_sets import ImageCase


class SdkAnswers:
    """Answers the questions of evaluation cases with a loaded model.

    ``seconds`` has the time of each answer, which includes the upload of the image.
    """

    def __init__(self, client: lmstudio.Client, model: lmstudio.LLM) -> None:
        self._client = client
        self._model = model
        self.seconds: list[float] = []

    def __call__(self, case: ImageCase) -> str:
        """Return the answer to the case's question, with image and text in the case's order."""
        with Image.open(io.BytesIO(case.data)) as image:
            name = f"picture.{(image.format or 'png').lower()}"
        begun = time.perf_counter()
        handle = self._client.prepare_image(case.data, name)
        chat = lmstudio.Chat()
        parts: list[str | lmstudio.FileHandle] = [handle, case.question]
        if not case.image_first:
            parts.reverse()
        chat.add_user_message(parts)
        # Without a temperature, the server is greedy with this stand-in and reuses the tokens of
        # the system prompt, as in any chat. At temperature 0 it would compute them again.
        result = self._model.respond(chat, config={"maxTokens": 48})
        self.seconds.append(time.perf_counter() - begun)
        return result.content.strip()
