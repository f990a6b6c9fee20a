"""Small GGUF files that are sound but hold no model."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np


def write_gguf(
    path: Path,
    *,
    architecture: str = "llama",
    file_type: int = gguf.LlamaFileType.MOSTLY_Q8_0,
    ballast: int = 0,
) -> Path:
    """Write a file with `ballast` more bytes of numbers, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_file_type(file_type)
    writer.add_context_length(1024)
    numbers = np.arange(16 + ballast // 4, dtype=np.float32)
    writer.add_tensor("numbers", numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
