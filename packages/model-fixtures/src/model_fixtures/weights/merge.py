"""Merge a LoRA adapter into its base weights, once, on the user's machine.

llama.cpp decodes a quarter slower with an adapter of this size beside the weights. Merged and
stored as Q8_0 the model is as fast as the plain one, and no request can forget the adapter.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]


def read_adapter(adapter: Path) -> tuple[float, dict[str, tuple[Matrix, Matrix]]]:
    """Return alpha and (A, B) by name of the base's tensor.

    Raises:
        ValueError: the file is no LoRA adapter.
    """
    reader = gguf.GGUFReader(adapter)
    alpha = reader.fields.get("adapter.lora.alpha")
    if alpha is None:
        raise ValueError(f"{adapter.name} is not a LoRA adapter: it has no adapter.lora.alpha")
    found = {tensor.name: np.array(tensor.data, dtype=np.float32) for tensor in reader.tensors}
    names = {name[: -len(".lora_a")] for name in found if name.endswith(".lora_a")}
    pairs = {name: (found[f"{name}.lora_a"], found[f"{name}.lora_b"]) for name in names}
    return float(alpha.contents()), pairs


def _copy_metadata(reader: Any, writer: Any) -> None:
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        kind = field.types[0]
        if field.name == "general.file_type":
            writer.add_file_type(int(gguf.LlamaFileType.MOSTLY_Q8_0))
        elif kind == gguf.GGUFValueType.ARRAY:
            writer.add_key_value(field.name, field.contents(), kind, sub_type=field.types[-1])
        else:
            writer.add_key_value(field.name, field.contents(), kind)


def merge_adapter(base: Path, adapter: Path, out: Path) -> None:
    """Write ``base`` with ``adapter`` merged in as Q8_0 to ``out``, all or nothing.

    Takes a few seconds and about 300 MB of memory for a base of 135 M parameters. The same
    inputs give the same file.

    Raises:
        ValueError: the adapter names a tensor that the base does not have.
    """
    alpha, pairs = read_adapter(adapter)
    reader = gguf.GGUFReader(base)
    missing = pairs.keys() - {tensor.name for tensor in reader.tensors}
    if missing:
        raise ValueError(f"{adapter.name} does not belong to {base.name}: no tensor {min(missing)}")
    part = out.with_name(f"{out.name}.part{os.getpid()}")
    writer = gguf.GGUFWriter(str(part), "llama")
    _copy_metadata(reader, writer)
    to = gguf.GGMLQuantizationType.Q8_0
    for tensor in reader.tensors:
        if tensor.name in pairs:
            a, b = pairs[tensor.name]
            weight = gguf.dequantize(tensor.data, tensor.tensor_type)
            weight = weight + (alpha / a.shape[0]) * (b @ a)
            writer.add_tensor(tensor.name, gguf.quantize(weight, to), raw_dtype=to)
        else:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
