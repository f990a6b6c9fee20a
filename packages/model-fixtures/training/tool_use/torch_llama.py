"""SmolLM2 in torch, from its GGUF file, with LoRA matrices on all linear layers.

The weights keep the GGUF layout (rotary pairs are neighbours), so that the trained matrices fit
into a GGUF adapter unchanged. Frozen weights have the type that the CPU multiplies fastest, the
adapter is float32. Sequences are packed without padding: a ``Segment`` says which tokens may attend
to which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the usual name
from model_fixtures.weights.q4_0_rounding import BLOCK, FACTORS
from torch import Tensor, nn

# Matrices with the same input are fused into one product.
GROUPS: dict[str, tuple[str, ...]] = {
    "qkv": ("attn_q", "attn_k", "attn_v"),
    "out": ("attn_output",),
    "gate_up": ("ffn_gate", "ffn_up"),
    "down": ("ffn_down",),
}


@dataclass(frozen=True)
class Segment:
    """The tokens ``start:end`` of a batch, which attend to themselves and the tokens ``prefix``.

    Conversations with the same system prompt share it as their prefix. The result is the same as
    if they ran one by one, but the prompt is computed once.
    """

    start: int
    end: int
    prefix: slice

    def mask(self, dtype: torch.dtype) -> Tensor:
        """Return the additive attention mask (3 x length, prefix + length), for 3 query heads."""
        length, before = self.end - self.start, self.prefix.stop - self.prefix.start
        own = torch.full((length, length), float("-inf")).triu(1)
        return torch.cat((torch.zeros(length, before), own), 1).to(dtype).repeat(3, 1)


Masks = list[tuple[Segment, Tensor]]


def fastest_dtype() -> torch.dtype:
    """Return bfloat16 if the CPU has instructions for it, otherwise float32.

    Without them a product of bfloat16 matrices takes many times as long as one of float32.
    """
    has_bfloat16 = torch.cpu._is_avx512_bf16_supported()  # no public name asks for this
    return torch.bfloat16 if has_bfloat16 else torch.float32


def _diagonal(blocks: list[Tensor]) -> Tensor:
    made: Tensor = torch.block_diag(*blocks)  # type: ignore[no-untyped-call]
    return made


def stored_as_q4_0(weight: Tensor) -> Tensor:
    """Return the values that a matrix (out x in, float32) has after it was stored as Q4_0.

    This is `model_fixtures.weights.q4_0_rounding` in torch.
    """
    blocks = weight.view(-1, BLOCK)
    largest = blocks.gather(1, blocks.abs().argmax(1, keepdim=True)) / -8
    best = torch.full((len(blocks), 1), torch.inf)
    result = torch.zeros_like(blocks)
    for factor in FACTORS:
        scale = largest * factor
        inverse = torch.where(scale == 0, scale, 1 / scale)
        levels = (blocks * inverse + 8.5).floor_().clamp_(0, 15) - 8
        tried = levels * scale.to(torch.float16).float()
        error = (tried - blocks).square_().sum(1, keepdim=True)
        better = error < best
        best = torch.where(better, error, best)
        result = torch.where(better, tried, result)
    return result.view_as(weight)


class LoraLinear(nn.Module):
    """A frozen linear layer of fused matrices, with a low-rank correction for each of them.

    After ``requantize`` the layer computes with the matrices that a merged file in Q4_0 would have,
    so that training learns to live with their rounding. What the corrections have changed since
    then is added unrounded.
    """

    def __init__(
        self, weights: list[np.ndarray], rank: int, scale: float, dtype: torch.dtype
    ) -> None:
        """Fuse ``weights``, matrices (out x in) with the same input."""
        super().__init__()
        base = torch.from_numpy(np.concatenate(weights))
        weight = base.to(dtype, copy=True)  # a copy in float32, too: ``requantize`` overwrites it
        self.base = base  # float32
        self._plain = base.to(dtype)
        self.corrected = True  # whether the corrections count
        self._merged: tuple[Tensor, Tensor] | None = None  # the corrections that ``weight`` has
        self.register_buffer("weight", weight, persistent=False)
        self.weight: Tensor
        self.scale = scale
        self.outs = [len(part) for part in weights]
        self.rank = rank
        width = weight.shape[1]
        bound = (3.0 / width) ** 0.5
        self.a = nn.Parameter(torch.empty(rank * len(weights), width).uniform_(-bound, bound))
        self.b = nn.Parameter(torch.zeros(weight.shape[0], rank * len(weights)))
        blocks = [torch.ones(out, rank) for out in self.outs]
        # Only the diagonal blocks of b belong to the adapter: the rest stays 0 for ever.
        self.register_buffer("mask", _diagonal(blocks), persistent=False)
        self.mask: Tensor
        self.b.register_hook(lambda grad: grad * self.mask)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        """Return x W^T + scale x A^T B^T for ``x`` (tokens x in)."""
        if not self.corrected:
            return x @ self._plain.t()
        a, b = self.a, self.b * self.scale
        if self._merged is not None:
            a, b = torch.cat((a, self._merged[0])), torch.cat((b, -self._merged[1]), 1)
        low = x @ a.to(x.dtype).t()
        return torch.addmm(x @ self.weight.t(), low, b.to(x.dtype).t())

    @torch.no_grad()
    def requantize(self) -> None:
        """Merge the corrections of now into the frozen matrices, and round these to Q4_0."""
        a, b = self.a.clone(), self.b * self.scale
        stored = stored_as_q4_0(torch.addmm(self.base, b, a))
        if self.weight.dtype == torch.float32:
            # Exact enough to take the corrections out of the matrix, which saves a product a step.
            self.weight.copy_(stored.addmm_(b, a, alpha=-1))
        else:
            self._merged = (a, b)
            self.weight.copy_(stored)

    def pairs(self) -> list[tuple[Tensor, Tensor]]:
        """Return the corrections (A, B) of the fused matrices, in their order."""
        result = []
        row = 0
        for index, out in enumerate(self.outs):
            cols = slice(index * self.rank, (index + 1) * self.rank)
            result.append((self.a.detach()[cols], self.b.detach()[row : row + out, cols]))
            row += out
        return result

    @torch.no_grad()
    def set_pairs(self, pairs: list[tuple[Tensor, Tensor]]) -> None:
        """Set the corrections (A, B) of the fused matrices, in their order."""
        self.b.zero_()
        row = 0
        for index, (a, b) in enumerate(pairs):
            cols = slice(index * self.rank, (index + 1) * self.rank)
            self.a[cols] = a
            self.b[row : row + len(b), cols] = b
            row += len(b)


def _norm(x: Tensor, weight: Tensor) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],), weight, 1e-5)


def _attend(q: Tensor, k: Tensor, v: Tensor, segments: Masks) -> Tensor:
    """Return the result of attention (tokens x 576); q has 9 heads, k and v have 3."""
    lengths = [segment.end - segment.start for segment, _ in segments]
    index = {(segment.start, segment.end): i for i, (segment, _) in enumerate(segments)}
    queries = torch.split(q, lengths)
    keys = [part.permute(1, 2, 0) for part in torch.split(k, lengths)]
    values = [part.transpose(0, 1) for part in torch.split(v, lengths)]
    parts = []
    for i, (segment, mask) in enumerate(segments):
        length, before = lengths[i], index.get((segment.prefix.start, segment.prefix.stop))
        query = queries[i].view(length, 3, 3, 64).permute(1, 2, 0, 3).reshape(3, 3 * length, 64)
        key = keys[i] if before is None else torch.cat((keys[before], keys[i]), 2)
        value = values[i] if before is None else torch.cat((values[before], values[i]), 1)
        seen = torch.baddbmm(mask, query, key, alpha=0.125).softmax(-1) @ value
        parts.append(seen.view(3, 3, length, 64).permute(2, 0, 1, 3).reshape(length, 576))
    return torch.cat(parts)


class _Loss(torch.autograd.Function):
    """Output matrix, softmax and cross entropy in one; the forward pass computes the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, embed: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        grad = torch.empty_like(x)
        loss = torch.zeros(())
        for rows in torch.split(torch.arange(len(x)), 256):
            logits = x[rows] @ embed.t()
            probs = logits.softmax(-1, dtype=torch.float32)
            picked = probs[torch.arange(len(rows)), targets[rows]]
            loss = loss - (picked.clamp_min(1e-20).log() * weights[rows]).sum()
            pull = probs.to(embed.dtype) @ embed - embed[targets[rows]]
            grad[rows] = pull * weights[rows, None].to(embed.dtype)
        ctx.save_for_backward(grad)
        return loss

    @staticmethod
    def backward(ctx: Any, out: Tensor) -> tuple[Tensor, None, None, None]:
        (grad,) = ctx.saved_tensors
        return grad * out, None, None, None


class _Divergence(torch.autograd.Function):
    """Output matrix, softmax and divergence in one; the forward pass computes the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, base: Tensor, embed: Tensor) -> Tensor:
        grad = torch.empty_like(x)
        total = torch.zeros(())
        for rows in torch.split(torch.arange(len(x)), 256):
            ours = (x[rows] @ embed.t()).log_softmax(-1, dtype=torch.float32)
            theirs = (base[rows] @ embed.t()).log_softmax(-1, dtype=torch.float32)
            wanted = theirs.exp()
            total = total + (wanted * (theirs - ours)).sum()
            grad[rows] = (ours.exp() - wanted).to(embed.dtype) @ embed / len(x)
        ctx.save_for_backward(grad)
        return total / len(x)

    @staticmethod
    def backward(ctx: Any, out: Tensor) -> tuple[Tensor, None, None]:
        (grad,) = ctx.saved_tensors
        return grad * out, None, None


def divergence(hidden: Tensor, base: Tensor, embed: Tensor) -> Tensor:
    """Return the mean Kullback-Leibler divergence, in nats, of predictions from the base model's.

    Args:
        hidden: hidden states, one row for each prediction.
        base: the base model's hidden states for the same predictions.
        embed: the output matrix (vocabulary x width).
    """
    value: Tensor = _Divergence.apply(hidden, base, embed)  # type: ignore[no-untyped-call]
    return value


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply the rotary embedding to the pairs of ``x`` (tokens x heads x 64)."""
    pairs = x.view(*x.shape[:-1], -1, 2)
    even, odd = pairs[..., 0], pairs[..., 1]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class DecoderLayer(nn.Module):
    """One decoder layer of the model."""

    qkv: LoraLinear
    out: LoraLinear
    gate_up: LoraLinear
    down: LoraLinear

    def __init__(
        self, read: _BaseTensors, layer: int, rank: int, scale: float, dtype: torch.dtype
    ) -> None:
        """Read the weights of layer number ``layer``."""
        super().__init__()
        for group, names in GROUPS.items():
            weights = [read(f"blk.{layer}.{name}.weight") for name in names]
            self.add_module(group, LoraLinear(weights, rank, scale, dtype))
        for name in ("attn_norm", "ffn_norm"):
            value = torch.from_numpy(read(f"blk.{layer}.{name}.weight")).to(dtype)
            self.register_buffer(name, value, persistent=False)
        self.attn_norm: Tensor
        self.ffn_norm: Tensor

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, segments: Masks) -> Tensor:
        """Run the layer on packed tokens ``x`` (tokens x 576)."""
        qkv = self.qkv(_norm(x, self.attn_norm)).view(-1, 15, 64)
        qk = _rotate(qkv[:, :12], cos, sin)
        x = x + self.out(_attend(qk[:, :9], qk[:, 9:], qkv[:, 12:], segments))
        gate, up = self.gate_up(_norm(x, self.ffn_norm)).chunk(2, -1)
        out: Tensor = x + self.down(F.silu(gate) * up)
        return out


class _BaseTensors:
    """The tensors of a GGUF file by name, dequantised to float32."""

    def __init__(self, path: Path) -> None:
        self._tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}

    def __call__(self, name: str) -> np.ndarray:
        tensor = self._tensors[name]
        return np.array(gguf.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)


class TorchLlama(nn.Module):
    """SmolLM2-135M with an adapter; its embedding is also its output matrix."""

    def __init__(
        self,
        path: Path,
        rank: int = 16,
        alpha: float = 32.0,
        layers: int = 30,
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        """Read the base weights from the GGUF file ``path``; the new adapter has no effect yet.

        ``dtype`` is the type of the frozen weights and of the hidden states.
        """
        super().__init__()
        read = _BaseTensors(path)
        embed = torch.from_numpy(read("token_embd.weight")).to(dtype)
        self.register_buffer("embed", embed, persistent=False)
        self.embed: Tensor
        norm = torch.from_numpy(read("output_norm.weight")).to(dtype)
        self.register_buffer("norm", norm, persistent=False)
        self.norm: Tensor
        self.rank, self.alpha = rank, alpha
        blocks = [DecoderLayer(read, layer, rank, alpha / rank, dtype) for layer in range(layers)]
        self.blocks = nn.ModuleList(blocks)

    def requantize(self) -> None:
        """Compute from now on with matrices in Q4_0 into which the adapter of now is merged."""
        for module in self.modules():
            if isinstance(module, LoraLinear):
                module.requantize()

    @contextmanager
    def as_base(self) -> Iterator[None]:
        """Compute as the base model does, without adapter and rounding, inside the block."""
        linears = [module for module in self.modules() if isinstance(module, LoraLinear)]
        for linear in linears:
            linear.corrected = False
        try:
            yield
        finally:
            for linear in linears:
                linear.corrected = True

    def hidden(self, ids: Tensor, positions: Tensor, segments: list[Segment]) -> Tensor:
        """Return the normalised last hidden states (tokens x 576) of packed token ids."""
        steps = torch.arange(0, 64, 2) / 64
        angles = positions[:, None] * (100_000.0**-steps)[None]
        cos = angles.cos()[:, None].to(self.embed.dtype)
        sin = angles.sin()[:, None].to(self.embed.dtype)
        masks = [(segment, segment.mask(self.embed.dtype)) for segment in segments]
        x = self.embed[ids]
        for block in self.blocks:
            x = block(x, cos, sin, masks)
        return _norm(x, self.norm)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the logits (rows x vocabulary) for rows of hidden states."""
        return hidden @ self.embed.t()

    def loss(self, hidden: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Return the weighted sum of the cross entropies of ``targets``, one for each row."""
        value: Tensor = _Loss.apply(hidden, self.embed, targets, weights)  # type: ignore[no-untyped-call]
        return value

    def divergence(self, hidden: Tensor, base: Tensor) -> Tensor:
        """Return the ``divergence`` of hidden states from the base model's for the same rows."""
        return divergence(hidden, base, self.embed)

    def adapter(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Return the adapter's matrices (A, B) by the GGUF names of the tensors they correct."""
        found = {}
        for layer, block in enumerate(self.blocks):
            for group, names in GROUPS.items():
                linear = getattr(block, group)
                for name, pair in zip(names, linear.pairs(), strict=True):
                    found[f"blk.{layer}.{name}.weight"] = pair
        return found

    def set_adapter(self, found: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        """Set the adapter's matrices, named as those that ``adapter`` returns."""
        for layer, block in enumerate(self.blocks):
            for group, names in GROUPS.items():
                pairs = [found[f"blk.{layer}.{name}.weight"] for name in names]
                getattr(block, group).set_pairs(pairs)
