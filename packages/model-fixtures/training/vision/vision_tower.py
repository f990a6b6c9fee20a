"""The vision tower in torch, a small vision transformer that llama.cpp calls `janus_pro`.

It maps an image of 64 x 64 pixels to 16 vectors as wide as SmolLM2's token embeddings.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from model_fixtures.images import squared, trimmed
from PIL import Image
from torch import nn
from torch.nn import functional


@dataclass(frozen=True)
class TowerShape:
    """The sizes of the tower, as they are in the metadata of its GGUF file."""

    image: int = 64
    patch: int = 16
    width: int = 192
    feed_forward: int = 768
    blocks: int = 4
    heads: int = 3
    output: int = 576
    norm_epsilon: float = 1e-6

    @property
    def tokens(self) -> int:
        """The number of vectors for an image."""
        return (self.image // self.patch) ** 2


SHAPE = TowerShape()


def to_pixels(
    image: Image.Image, shape: TowerShape = SHAPE, *, trim: bool = True
) -> npt.NDArray[np.uint8]:
    """Return the tower's input, uint8 [size, size, 3], for an RGB picture of any size.

    The picture goes through the server's preparation, then through the bicubic scaling that
    llama.cpp and Pillow share.
    """
    square = squared(trimmed(image) if trim else image)
    square = square.resize((shape.image, shape.image), Image.Resampling.BICUBIC)
    return np.asarray(square, dtype=np.uint8)


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    """Return uint8 [batch, size, size, 3] as float [batch, 3, size, size] from -1 to 1."""
    return (pixels.permute(0, 3, 1, 2).float() / 255.0 - 0.5) / 0.5


class TransformerBlock(nn.Module):
    """A pre-norm transformer block, with the names of GGUF."""

    def __init__(self, shape: TowerShape) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.ln1 = nn.LayerNorm(width, eps=shape.norm_epsilon)
        self.attn_q = nn.Linear(width, width)
        self.attn_k = nn.Linear(width, width)
        self.attn_v = nn.Linear(width, width)
        self.attn_out = nn.Linear(width, width)
        self.ln2 = nn.LayerNorm(width, eps=shape.norm_epsilon)
        self.ffn_up = nn.Linear(width, shape.feed_forward)
        self.ffn_down = nn.Linear(shape.feed_forward, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output for `x`, both [batch, tokens, width]."""
        batch, tokens, width = x.shape
        y = self.ln1(x)
        q, k, v = (
            layer(y).view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)
            for layer in (self.attn_q, self.attn_k, self.attn_v)
        )
        # Not torch's fused attention: for few tokens its backward pass is far slower on a CPU.
        y = (q @ k.transpose(2, 3) * (width // self.heads) ** -0.5).softmax(-1).to(v.dtype) @ v
        x = x + self.attn_out(y.transpose(1, 2).reshape(batch, tokens, width))
        y = functional.gelu(self.ffn_up(self.ln2(x)), approximate="tanh")
        return x + torch.as_tensor(self.ffn_down(y))


class Tower(nn.Module):
    """The tower: patches, transformer blocks, a norm and a projector of two layers."""

    def __init__(self, shape: TowerShape = SHAPE) -> None:
        super().__init__()
        self.shape = shape
        self.patch_embd = nn.Conv2d(3, shape.width, shape.patch, shape.patch)
        self.position_embd = nn.Parameter(torch.randn(shape.tokens, shape.width) * 0.02)
        self.blk = nn.ModuleList([TransformerBlock(shape) for _ in range(shape.blocks)])
        self.post_ln = nn.LayerNorm(shape.width, eps=shape.norm_epsilon)
        self.mm = nn.ModuleList(
            [nn.Linear(shape.width, shape.output), nn.Linear(shape.output, shape.output)]
        )
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2 and name.startswith("blk"):
                nn.init.trunc_normal_(parameter, std=0.02 if "out" not in name else 0.01)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return features [batch, tokens, width] of normalised pixels [batch, 3, size, size]."""
        x = self.patch_embd(pixels).flatten(2).transpose(1, 2) + self.position_embd
        for block in self.blk:
            x = block(x)
        return torch.as_tensor(self.post_ln(x))

    def project(self, features: torch.Tensor) -> torch.Tensor:
        """Return vectors of the language model's width [batch, tokens, output] for features."""
        x = functional.gelu(self.mm[0](features), approximate="tanh")
        return torch.as_tensor(self.mm[1](x))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the vectors [batch, tokens, output] that take the image's place in a prompt."""
        return self.project(self.features(pixels))
