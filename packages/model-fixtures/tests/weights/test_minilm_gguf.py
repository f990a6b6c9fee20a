"""Converting MiniLM to a GGUF, with tiny made-up weights."""

import itertools
from pathlib import Path

import gguf
import numpy as np
import pytest
from model_fixtures.weights.minilm_gguf import read_vocabulary, wordpiece_tokens, write_minilm_gguf
from safetensors.numpy import save_file

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[", "##", "cat", "##s", "\u2028", "é"]
WIDTH = 12


def tensors() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """Return weights of two layers with the names and ranks of BERT's tensors."""
    numbers = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), WIDTH),
        "embeddings.position_embeddings.weight": (16, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
        "pooler.dense.weight": (WIDTH, WIDTH),
    }
    for layer, part in itertools.product(
        range(2), ("attention.self.query", "attention.output.dense", "intermediate.dense")
    ):
        rows = 20 if part.startswith("inter") else WIDTH
        shapes[f"encoder.layer.{layer}.{part}.weight"] = (rows, WIDTH)
        shapes[f"encoder.layer.{layer}.{part}.bias"] = (rows,)
    return {name: numbers.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture
def members(tmp_path: Path) -> dict[str, Path]:
    """Provide the two files that a conversion reads."""
    paths = {name: tmp_path / name for name in ("model.safetensors", "vocab.txt")}
    save_file(
        tensors() | {"embeddings.position_ids": np.arange(16).reshape(1, 16)},
        paths["model.safetensors"],
    )
    paths["vocab.txt"].write_text("\n".join(VOCABULARY) + "\n", "utf-8", newline="\n")
    return paths


def test_same_bytes_twice(members: dict[str, Path], tmp_path: Path) -> None:
    """Two conversions of the same weights make the same bytes."""
    outputs = [tmp_path / "one.gguf", tmp_path / "two.gguf"]
    for output in outputs:
        write_minilm_gguf(members, output)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_order_of_the_tensors_does_not_matter(members: dict[str, Path], tmp_path: Path) -> None:
    """The order of the tensors in the safetensors file does not change the result."""
    write_minilm_gguf(members, tmp_path / "one.gguf")
    backwards = dict(reversed(tensors().items()))
    save_file(backwards, members["model.safetensors"])
    write_minilm_gguf(members, tmp_path / "two.gguf")
    assert (tmp_path / "one.gguf").read_bytes() == (tmp_path / "two.gguf").read_bytes()


def test_contents(members: dict[str, Path], tmp_path: Path) -> None:
    """The GGUF has the metadata that llama.cpp needs, and neither pooler nor position ids."""
    write_minilm_gguf(members, tmp_path / "one.gguf")
    reader = gguf.GGUFReader(tmp_path / "one.gguf")
    facts = {name: field.contents() for name, field in reader.fields.items() if "GGUF." not in name}
    epsilon = facts.pop("bert.attention.layer_norm_epsilon")
    assert epsilon == pytest.approx(1e-12)
    assert facts == {
        "general.architecture": "bert",
        "general.name": "all-MiniLM-L6-v2",
        "general.size_label": "22.7M",
        "general.license": "apache-2.0",
        "general.file_type": 1,
        "bert.context_length": 16,
        "bert.embedding_length": WIDTH,
        "bert.block_count": 2,
        "bert.feed_forward_length": 20,
        "bert.attention.head_count": 12,
        "bert.attention.causal": False,
        "bert.pooling_type": 1,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.token_type_count": 2,
        "tokenizer.ggml.tokens": [
            "[PAD]",
            "[UNK]",
            "[CLS]",
            "[SEP]",
            "[MASK]",
            "▁[",
            "▁##",
            "▁cat",
            "s",
            "▁\u2028",
            "▁é",
        ],
        "tokenizer.ggml.token_type": [3] * 5 + [1] * 6,
        "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.ggml.unknown_token_id": 1,
        "tokenizer.ggml.bos_token_id": 2,
        "tokenizer.ggml.seperator_token_id": 3,
        "tokenizer.ggml.mask_token_id": 4,
    }
    layer = ["attn_output", "attn_q", "ffn_up"]
    names = {
        f"blk.{n}.{part}.{kind}" for n in range(2) for part in layer for kind in ("weight", "bias")
    }
    names |= {"token_embd.weight", "position_embd.weight", "token_types.weight"}
    names |= {"token_embd_norm.weight", "token_embd_norm.bias"}
    assert {tensor.name for tensor in reader.tensors} == names


def test_numbers(members: dict[str, Path], tmp_path: Path) -> None:
    """Matrices are rounded to f16; position and type embeddings, norms and biases stay f32."""
    write_minilm_gguf(members, tmp_path / "one.gguf")
    written = {t.name: t.data for t in gguf.GGUFReader(tmp_path / "one.gguf").tensors}
    given = tensors()
    query = given["encoder.layer.1.attention.self.query.weight"]
    assert np.array_equal(written["blk.1.attn_q.weight"], query.astype(np.float16))
    for name, original in (
        ("position_embd.weight", "embeddings.position_embeddings.weight"),
        ("token_types.weight", "embeddings.token_type_embeddings.weight"),
        ("token_embd_norm.weight", "embeddings.LayerNorm.weight"),
        ("blk.0.attn_q.bias", "encoder.layer.0.attention.self.query.bias"),
    ):
        assert written[name].dtype == np.float32
        assert np.array_equal(written[name], given[original])


def test_tensor_without_a_name(members: dict[str, Path], tmp_path: Path) -> None:
    """A tensor that BERT does not have is an error that names it."""
    save_file(tensors() | {"extra.weight": np.zeros(3)}, members["model.safetensors"])
    with pytest.raises(ValueError, match=r"no GGUF name for the tensor 'extra\.weight'"):
        write_minilm_gguf(members, tmp_path / "one.gguf")


def test_vocabulary_lines(tmp_path: Path) -> None:
    """Only newlines separate tokens, since other line separators are tokens themselves."""
    path = tmp_path / "vocab.txt"
    path.write_bytes("a\n\u2028\n\x85\n##b\n".encode())
    assert read_vocabulary(path) == ["a", "\u2028", "\x85", "##b"]


def test_wordpieces() -> None:
    """Word starts get U+2581, continuations lose ##, words in brackets are control tokens."""
    tokens, types = wordpiece_tokens(["[CLS]", "[]", "[a", "##ing", "##", "#", "dog"])
    assert tokens == ["[CLS]", "▁[]", "▁[a", "ing", "▁##", "▁#", "▁dog"]
    assert types == [3, 1, 1, 1, 1, 1, 1]
