"""Fixtures for tests of the catalog: no settings of the user's, and tiny GGUF files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

WriteGguf = Callable[..., Path]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the user's settings and cache."""
    for variable in ("LMSTUDIO_TEST_CATALOG", "LMSTUDIO_TEST_MODELS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("LMSTUDIO_TEST_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def write_gguf() -> WriteGguf:
    """Return a function that writes a small, sound GGUF file and returns its path."""

    def write(
        path: Path,
        *,
        architecture: str = "qwen2",
        size_label: str | None = "7B",
        file_type: int | None = gguf.LlamaFileType.MOSTLY_Q4_K_M,
        context_length: int | None = 32768,
        embedding_length: int = 64,
        template: str | None = None,
        tokens: int = 300,
        tensor: Any = None,
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = gguf.GGUFWriter(path, architecture)
        if size_label is not None:
            writer.add_size_label(size_label)
        if file_type is not None:
            writer.add_file_type(file_type)
        if context_length is not None:
            writer.add_context_length(context_length)
        writer.add_embedding_length(embedding_length)
        writer.add_token_list([f"token {number} é" for number in range(tokens)])
        writer.add_token_types([1] * tokens)
        if template is not None:
            writer.add_chat_template(template)
        writer.add_tensor("first", np.zeros((4, 8), np.float32) if tensor is None else tensor)
        writer.add_tensor("last", np.ones((2, 2), np.float16))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path

    return write


@pytest.fixture
def user_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function that writes a catalog file to which LMSTUDIO_TEST_CATALOG points."""

    def write(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text, "utf-8")
        monkeypatch.setenv("LMSTUDIO_TEST_CATALOG", str(path))
        return path

    return write
