"""The layers in torch, which only the environment `train` has: `hatch run train:test`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="only the environment `train` has torch")

from training.tool_use.torch_llama import LoraLinear, divergence, stored_as_q4_0  # noqa: E402

RANK, SCALE = 4, 2.0


def layer(dtype: object) -> LoraLinear:
    """Return a layer of two fused matrices whose corrections are not zero."""
    random = np.random.default_rng(1)
    weights = [random.normal(size=(rows, 64)).astype(np.float32) for rows in (32, 96)]
    made = LoraLinear(weights, RANK, SCALE, dtype)
    made.set_pairs([(torch.randn(RANK, 64), torch.randn(rows, RANK) / 8) for rows in (32, 96)])
    return made


def merged(linear: LoraLinear, base: Any) -> Any:
    """Return the matrices into which the corrections of now are merged."""
    parts = [SCALE * (b @ a) for a, b in linear.pairs()]
    return base + torch.cat(parts)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_every_merge_begins_with_the_base(dtype: object) -> None:
    """Merging again after more training begins with the base, not with the last merge."""
    linear = layer(dtype)
    base = linear.base.clone()
    linear.requantize()
    with torch.no_grad():
        linear.a.add_(0.1)
    linear.requantize()
    assert torch.equal(linear.weight, stored_as_q4_0(merged(linear, base)).to(dtype))


def test_layer_computes_with_the_rounded_matrices() -> None:
    """After a merge, the result is that of the rounded matrices, and what was trained since."""
    linear = layer(torch.float32)
    x = torch.randn(5, 64)
    linear.requantize()
    assert torch.allclose(linear(x), x @ linear.weight.t(), atol=1e-4)
    before = merged(linear, torch.zeros(128, 64))
    with torch.no_grad():
        linear.a.add_(0.1)
    since = merged(linear, torch.zeros(128, 64)) - before
    assert torch.allclose(linear(x), x @ (linear.weight + since).t(), atol=1e-3)


def test_layer_without_its_corrections() -> None:
    """A layer that is told to leave out its corrections computes as the base model does."""
    linear = layer(torch.float32)
    x = torch.randn(5, 64)
    linear.requantize()
    linear.corrected = False
    assert torch.equal(linear(x), x @ linear.base.t())


def test_corrections_come_back_as_they_were_set() -> None:
    """The corrections of fused matrices can be set and read one by one."""
    linear = layer(torch.float32)
    pairs = [(torch.randn(RANK, 64), torch.randn(rows, RANK)) for rows in (32, 96)]
    linear.set_pairs(pairs)
    for (a, b), (found_a, found_b) in zip(pairs, linear.pairs(), strict=True):
        assert torch.equal(a, found_a)
        assert torch.equal(b, found_b)


def test_divergence() -> None:
    """The divergence and its gradient are those of torch's own function; of equals it is 0."""
    embed, ours, base = torch.randn(50, 8), torch.randn(6, 8), torch.randn(6, 8)
    mine, theirs = ours.clone().requires_grad_(), ours.clone().requires_grad_()
    value = divergence(mine, base, embed)
    value.backward()
    logs = [(hidden @ embed.t()).log_softmax(-1) for hidden in (theirs, base)]
    expected = torch.nn.functional.kl_div(*logs, reduction="batchmean", log_target=True)
    expected.backward()
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    assert mine.grad is not None
    assert theirs.grad is not None
    assert torch.allclose(mine.grad, theirs.grad, atol=1e-6)
    assert divergence(base, base, embed).item() == pytest.approx(0, abs=1e-6)
