"""Turn a checkpoint into the GGUF adapter that ships, and merge an adapter into its base.

The adapter is float16. llama.cpp runs the base 20 to 25 % slower with it, so the server merges:
see ``model_fixtures.weights.rewrite_gguf``.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import gguf
import numpy as np
import torch
from model_fixtures.weights.rewrite_gguf import merge_adapter

from .torch_llama import TorchLlama
from .train_adapter import load_adapter


def write_adapter(model: TorchLlama, out: Path) -> None:
    """Write the model's adapter as a GGUF file of float16 matrices."""
    writer = gguf.GGUFWriter(str(out), "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("general.name", "SmolLM2-135M-Instruct tool use")
    writer.add_string("general.license", "apache-2.0")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(model.alpha))
    for name, (a, b) in sorted(model.adapter().items()):
        writer.add_tensor(f"{name}.lora_a", np.ascontiguousarray(a.numpy().astype(np.float16)))
        writer.add_tensor(f"{name}.lora_b", np.ascontiguousarray(b.numpy().astype(np.float16)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    """Export an adapter of a checkpoint (``last.pt`` or ``adapter-NNNNN.pt``), or of their mean.

    The mean of a few checkpoints of one run is better than its last one before the rate has fallen.
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--base", type=Path, required=True, help="SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument(
        "--checkpoint", type=Path, nargs="+", required=True, help="several are averaged"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--merged", type=Path, help="also write the model that the server makes")
    args = parser.parse_args()
    torch.set_num_threads(1)
    states = [torch.load(path, weights_only=True)["adapter"] for path in args.checkpoint]
    state = {name: sum(one[name] for one in states) / len(states) for name in states[0]}
    rank = state["blocks.0.out.a"].shape[0]
    model = TorchLlama(args.base, rank=rank, alpha=2.0 * rank)
    load_adapter(model, state)
    write_adapter(model, args.out)
    digest = hashlib.sha256(args.out.read_bytes()).hexdigest()
    if args.merged:
        merge_adapter(args.base, args.out, args.merged)
    print(f"{args.out} {args.out.stat().st_size} bytes sha256 {digest}")


if __name__ == "__main__":
    main()
