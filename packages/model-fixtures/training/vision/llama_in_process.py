"""llama.cpp in this process, which tokenises prompts and answers questions about images."""

import json
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xllamacpp
from model_fixtures.images import PreparedImage

# Enough for one image, a question and an answer.
_CONTEXT = 1024


class LlamaInProcess:
    """SmolLM2 in llama.cpp, with or without a projector."""

    def __init__(self, model: Path, projector: Path | None = None, threads: int = 1) -> None:
        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        if projector:
            params.mmproj.path = str(projector)
        params.n_ctx = _CONTEXT
        params.n_parallel = 1
        params.use_jinja = True
        params.cache_ram_mib = 0
        params.warmup = True
        params.verbosity = -1  # its log would drown the progress bars
        for cpu in (params.cpuparams, params.cpuparams_batch):
            cpu.n_threads = threads
            cpu.poll = 0
        self._server = xllamacpp.Server(params)

    def tokens(self, text: str) -> list[int]:
        """Return the token ids of `text`; special tokens such as <|im_end|> are recognised."""
        body = {"content": text, "add_special": False, "parse_special": True}
        return [int(token) for token in self._post("/tokenize", body)["tokens"]]

    def prompt(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """Return the prompt that the model's own chat template makes of the messages."""
        return str(self._post("/apply-template", {"messages": messages})["prompt"])

    def answer(self, parts: Sequence[str | PreparedImage], **options: Any) -> dict[str, Any]:
        """Return the greedy chat completion for text and images in this order."""
        content = [
            {"type": "text", "text": part}
            if isinstance(part, str)
            else {"type": "image_url", "image_url": {"url": part.data_uri}}
            for part in parts
        ]
        request = {
            "messages": [{"role": "user", "content": content}],
            "temperature": 0.0,
            "max_tokens": 48,
            "cache_prompt": False,
            **options,
        }
        result = self._server.handle_chat_completions(request)
        if not isinstance(result, dict) or "choices" not in result:
            raise RuntimeError(f"llama.cpp refused the request: {str(result)[:300]}")
        return result

    def _post(self, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - our own server on loopback
            self._server.listening_address + route,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            result: dict[str, Any] = json.load(response)
        return result


def text_of(completion: Mapping[str, Any]) -> str:
    """Return the text of a chat completion."""
    return str(completion["choices"][0]["message"]["content"]).strip()
