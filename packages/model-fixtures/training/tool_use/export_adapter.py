"""Export a checkpoint as the GGUF adapter that ships, and merge it into the base model.

The adapter is float16. llama.cpp decodes 20 to 25 % slower with a separate adapter, so the server
runs a merged model: see ``model_fixtures.weights.merge_and_requantize``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import gguf
import numpy as np
import torch
from model_fixtures.weights.merge_and_requantize import merge_adapter
from training.atomic_files import identity_line, replacing

from .torch_llama import TorchLlama
from .train_adapter import load_adapter


def write_adapter(model: TorchLlama, out: Path, title: str) -> None:
    """Write the model's adapter to ``out`` as a GGUF file of float16 matrices.

    ``title`` is its ``general.name``.
    """
    with replacing(out) as part:
        _write(model, part, title)


def _write(model: TorchLlama, path: Path, title: str) -> None:
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("general.name", title)
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
    """Export the adapter of a checkpoint, or the mean of several, as a GGUF file.

    A checkpoint is `last.pt` or `adapter-NNNNN.pt`. Before the learning rate has fallen, the mean
    of a few checkpoints of one run scores higher than the last of them.
    """
    parser = argparse.ArgumentParser(
        prog="python -m training.tool_use.export_adapter", description=main.__doc__
    )
    parser.add_argument("--base", type=Path, required=True, help="GGUF file of SmolLM2")
    parser.add_argument(
        "--checkpoint",
        type=Path,
        nargs="+",
        required=True,
        help="checkpoint to export; several are averaged",
    )
    parser.add_argument("--out", type=Path, required=True, help="GGUF adapter to write")
    parser.add_argument(
        "--title",
        default="SmolLM2-135M-Instruct tool use",
        help="name in the metadata of the file (default: %(default)s)",
    )
    parser.add_argument(
        "--merged", type=Path, help="also write the merged model, as the server makes it"
    )
    parser.add_argument(
        "--merge-to",
        choices=["Q8_0", "Q4_0"],
        default="Q8_0",
        help="how the merged model is stored (default: %(default)s)",
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    states = [torch.load(path, weights_only=True)["adapter"] for path in args.checkpoint]
    state = {name: sum(one[name] for one in states) / len(states) for name in states[0]}
    rank = state["blocks.0.out.a"].shape[0]
    model = TorchLlama(args.base, rank=rank, alpha=2.0 * rank)
    load_adapter(model, state)
    write_adapter(model, args.out, args.title)
    if args.merged:
        merge_adapter(args.base, args.out, args.merged, args.merge_to)
    print(identity_line(args.out))


if __name__ == "__main__":
    main()
