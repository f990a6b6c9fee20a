"""Greedy completions from llama.cpp in this process, with one thread."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xllamacpp


class GreedyCompleter:
    """A model behind llama.cpp's own server, on a free loopback port."""

    def __init__(self, model: Path, adapter: Path | None = None, context: int = 2048) -> None:
        """Load the GGUF file ``model``, with the GGUF LoRA file ``adapter`` if given."""
        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        params.n_ctx, params.n_parallel = context, 1
        for threads in (params.cpuparams, params.cpuparams_batch):
            threads.n_threads, threads.poll = 1, 0
        params.cache_ram_mib = 0
        params.port = 0
        params.hostnames = ["127.0.0.1"]
        params.verbosity = -1
        if adapter is not None:
            params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 1.0)]
        self._lora = [{"id": 0, "scale": 1.0}] if adapter is not None else None
        self._server = xllamacpp.Server(params)

    def raw(
        self, prompt: str | Sequence[int], limit: int, grammar: str | None = None, **more: Any
    ) -> Any:
        """Return llama.cpp's response to a greedy completion of ``prompt``, as JSON data.

        ``prompt`` is a text or token ids.
        """
        body: dict[str, Any] = {"prompt": prompt, "n_predict": limit, "temperature": 0, **more}
        if self._lora is not None:
            body["lora"] = self._lora
        if grammar is not None:
            trigger = {"type": 1, "value": "[TOOL_REQUEST]"}
            body |= {"grammar": grammar, "grammar_lazy": True, "grammar_triggers": [trigger]}
        request = urllib.request.Request(  # noqa: S310  # our own loopback address
            f"{self._server.listening_address}/completion",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Connection": "close"},
        )
        with urllib.request.urlopen(request, timeout=300) as response:  # noqa: S310
            return json.load(response)

    def complete(self, prompt: str, limit: int = 200, grammar: str | None = None) -> str:
        """Return the greedy continuation of ``prompt``, of at most ``limit`` tokens."""
        return str(self.raw(prompt, limit, grammar)["content"])
