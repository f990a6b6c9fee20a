"""Merging an adapter into base weights, and requantizing weights."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
from model_fixtures.weights.merge_and_requantize import (
    Quantization,
    merge_adapter,
    read_adapter,
    requantize,
)

RNG = np.random.default_rng(5)
WEIGHT = RNG.normal(size=(64, 96)).astype(np.float32)
OTHER = RNG.normal(size=(64, 32)).astype(np.float32)
A = RNG.normal(size=(4, 96)).astype(np.float32)
B = RNG.normal(size=(64, 4)).astype(np.float32)


def write(
    path: Path, architecture: str, tensors: dict[str, np.ndarray], alpha: float | None
) -> None:
    """Write a small GGUF file."""
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_string("general.name", "small")
    writer.add_array("tokenizer.ggml.tokens", ["a", "b"])
    if alpha is not None:
        writer.add_float32("adapter.lora.alpha", alpha)
    for name, value in tensors.items():
        writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Write base weights with two matrices."""
    path = tmp_path / "base.gguf"
    write(path, "llama", {"w.weight": WEIGHT, "other.weight": OTHER}, None)
    return path


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """Write an adapter of rank 4 and alpha 8 for one matrix, as float16."""
    path = tmp_path / "adapter.gguf"
    pair = {"w.weight.lora_a": A.astype(np.float16), "w.weight.lora_b": B.astype(np.float16)}
    write(path, "llama", pair, 8.0)
    return path


@pytest.mark.parametrize(("to", "steps"), [("Q4_0", 8), ("Q8_0", 127)])
def test_the_merged_matrix_is_base_plus_scaled_product(
    base: Path, adapter: Path, to: Quantization, steps: int
) -> None:
    """The matrix becomes W + alpha/rank B A in the quantization; other tensors do not change."""
    out = base.with_name("merged.gguf")
    merge_adapter(base, adapter, out, to)
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(out).tensors}
    merged = gguf.dequantize(tensors["w.weight"].data, tensors["w.weight"].tensor_type)
    expected = WEIGHT + 2 * B @ A
    step = np.abs(expected).max() / steps
    assert np.abs(merged - expected).max() < step * 1.5
    assert np.array_equal(tensors["other.weight"].data, OTHER)
    assert tensors["w.weight"].tensor_type == gguf.GGMLQuantizationType[to]


def test_metadata_is_kept(base: Path, adapter: Path) -> None:
    """The merged file has the names and the vocabulary of the base."""
    out = base.with_name("merged.gguf")
    merge_adapter(base, adapter, out)
    fields = gguf.GGUFReader(out).fields
    assert fields["general.name"].contents() == "small"
    assert fields["tokenizer.ggml.tokens"].contents() == ["a", "b"]


def test_merging_twice_gives_the_same_file(base: Path, adapter: Path) -> None:
    """The same inputs make the same bytes, and no partial file is left."""
    outs = [base.with_name(name) for name in ("one.gguf", "two.gguf")]
    for out in outs:
        merge_adapter(base, adapter, out)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert sorted(path.name for path in base.parent.iterdir()) == [
        "adapter.gguf",
        "base.gguf",
        "one.gguf",
        "two.gguf",
    ]


def test_an_adapter_of_another_model_is_refused(tmp_path: Path, base: Path) -> None:
    """An adapter for a matrix that the base lacks is refused with one line, and no file is left."""
    alien = tmp_path / "alien.gguf"
    write(alien, "llama", {"x.weight.lora_a": A, "x.weight.lora_b": B}, 8.0)
    with pytest.raises(ValueError, match=r"alien.gguf does not belong to base.gguf: no tensor x"):
        merge_adapter(base, alien, tmp_path / "merged.gguf")
    assert not (tmp_path / "merged.gguf").exists()


def test_a_file_that_is_no_adapter_is_refused(base: Path) -> None:
    """Weights that are not an adapter are refused."""
    with pytest.raises(ValueError, match=r"base.gguf is not a LoRA adapter"):
        read_adapter(base)


@pytest.mark.parametrize(("to", "steps"), [("Q4_0", 8), ("Q8_0", 127)])
def test_requantized_matrices_stay_near(tmp_path: Path, to: Quantization, steps: int) -> None:
    """Q4_1 matrices are requantized within 1.5 steps; other tensors and metadata do not change."""
    kind = gguf.GGMLQuantizationType.Q4_1
    base = tmp_path / "base.gguf"
    writer = gguf.GGUFWriter(str(base), "llama")
    writer.add_string("general.name", "small")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_1)
    writer.add_tensor("w.weight", gguf.quantize(WEIGHT, kind), raw_dtype=kind)
    writer.add_tensor("other.weight", OTHER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    out = tmp_path / "small.gguf"
    requantize(base, out, to)
    reader = gguf.GGUFReader(out)
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    assert tensors["w.weight"].tensor_type == gguf.GGMLQuantizationType[to]
    before = gguf.dequantize(gguf.quantize(WEIGHT, kind), kind).reshape(-1, 32)
    after = gguf.dequantize(tensors["w.weight"].data, tensors["w.weight"].tensor_type)
    # The step of a block is about this fraction of its largest value; a smaller one cuts that off.
    step = np.abs(before).max(axis=1, keepdims=True) / steps
    assert (np.abs(after.reshape(-1, 32) - before) <= step * 1.5).all()
    assert np.array_equal(tensors["other.weight"].data, OTHER)
    assert reader.fields["general.name"].contents() == "small"
    assert reader.fields["general.file_type"].contents() == gguf.LlamaFileType[f"MOSTLY_{to}"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base.gguf", "small.gguf"]
