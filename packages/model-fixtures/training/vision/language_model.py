"""SmolLM2 in torch, frozen, from the same GGUF file that the server runs.

The rotary embedding is interleaved, as in GGUF's layout of Llama weights.
"""

from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf.quants import dequantize
from torch.nn import functional


@dataclass(frozen=True)
class LanguageShape:
    """The sizes of the model, from the metadata of its GGUF file."""

    blocks: int
    heads: int
    kv_heads: int
    width: int
    rope_base: float
    norm_epsilon: float

    @property
    def head_width(self) -> int:
        """The width of one attention head."""
        return self.width // self.heads


Cache = list[tuple[torch.Tensor, torch.Tensor]]


class LanguageModel:
    """The frozen language model, which maps embeddings to logits."""

    def __init__(self, path: Path, dtype: torch.dtype = torch.bfloat16) -> None:
        reader = gguf.GGUFReader(path)
        self.dtype = dtype
        self.shape = LanguageShape(
            blocks=int(_number(reader, "llama.block_count")),
            heads=int(_number(reader, "llama.attention.head_count")),
            kv_heads=int(_number(reader, "llama.attention.head_count_kv")),
            width=int(_number(reader, "llama.embedding_length")),
            rope_base=_number(reader, "llama.rope.freq_base"),
            norm_epsilon=_number(reader, "llama.attention.layer_norm_rms_epsilon"),
        )
        self.weights: dict[str, torch.Tensor] = {}
        for tensor in reader.tensors:
            array = np.array(dequantize(tensor.data, tensor.tensor_type))
            self.weights[tensor.name] = torch.from_numpy(array).to(dtype)
        self.embedding = self.weights["token_embd.weight"]
        self.unembedding = self.weights.get("output.weight", self.embedding)

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the embeddings [..., width] of token ids [...]."""
        return functional.embedding(tokens, self.embedding)

    def hidden(
        self, x: torch.Tensor, past: Cache | None = None, keep: Cache | None = None
    ) -> torch.Tensor:
        """Return the normalised last hidden states of embeddings, both [batch, tokens, width].

        `past` is the cache of the tokens before these. If `keep` is given, the keys and values of
        these tokens are appended to it (for a batch of 1).
        """
        shape = self.shape
        batch, tokens, width = x.shape
        start = past[0][0].shape[2] if past else 0
        cos, sin = self._rope(start, tokens)
        mask = torch.full((tokens, start + tokens), -1e4, dtype=self.dtype).triu(start + 1)
        group = shape.heads // shape.kv_heads
        for index in range(shape.blocks):
            y = self._norm(x, f"blk.{index}.attn_norm.weight")
            q = self._linear(y, index, "attn_q").view(batch, tokens, shape.heads, -1)
            k = self._linear(y, index, "attn_k").view(batch, tokens, shape.kv_heads, -1)
            v = self._linear(y, index, "attn_v").view(batch, tokens, shape.kv_heads, -1)
            q, k, v = (_rotate(q, cos, sin), _rotate(k, cos, sin), v.transpose(1, 2))
            if keep is not None:
                keep.append((k.detach(), v.detach()))
            if past:
                k = torch.cat([past[index][0].expand(batch, -1, -1, -1), k], 2)
                v = torch.cat([past[index][1].expand(batch, -1, -1, -1), v], 2)
            k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
            # Not torch's fused attention, whose backward pass is far slower on a CPU.
            y = (q @ k.transpose(2, 3) * shape.head_width**-0.5 + mask).softmax(-1) @ v
            x = x + self._linear(
                y.transpose(1, 2).reshape(batch, tokens, width), index, "attn_output"
            )
            y = self._norm(x, f"blk.{index}.ffn_norm.weight")
            gate = functional.silu(self._linear(y, index, "ffn_gate"))
            x = x + self._linear(gate * self._linear(y, index, "ffn_up"), index, "ffn_down")
        return self._norm(x, "output_norm.weight")

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the float32 logits [..., vocabulary] of hidden states [..., width]."""
        return functional.linear(hidden, self.unembedding).float()

    def prefix(self, tokens: list[int]) -> Cache:
        """Return the cache of the tokens with which prompts begin."""
        cache: Cache = []
        with torch.no_grad():
            self.hidden(self.embed(torch.tensor([tokens])), keep=cache)
        return cache

    def _linear(self, x: torch.Tensor, block: int, name: str) -> torch.Tensor:
        return functional.linear(x, self.weights[f"blk.{block}.{name}.weight"])

    def _norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.shape.norm_epsilon)
        return wide.to(self.dtype) * self.weights[name]

    def _rope(self, start: int, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
        half = torch.arange(0, self.shape.head_width, 2).float() / self.shape.head_width
        angles = torch.arange(start, start + tokens).float()[:, None] / self.shape.rope_base**half
        return angles.cos().to(self.dtype), angles.sin().to(self.dtype)


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Apply the interleaved rotary embedding to [batch, tokens, heads, width].

    The result is [batch, heads, tokens, width].
    """
    x = x.transpose(1, 2)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)


def _number(reader: gguf.GGUFReader, key: str) -> float:
    field = reader.get_field(key)
    if field is None:
        raise ValueError(f"The GGUF file has no {key}: use SmolLM2-135M-Instruct.")
    return float(field.contents())
