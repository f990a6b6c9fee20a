"""Export a tower as the GGUF projector (`mmproj`) that llama.cpp loads with SmolLM2."""

from pathlib import Path

import click
import gguf
import numpy as np
import torch
from training.atomic_files import identity_line, replacing

from .vision_tower import Tower

NAME = "SmolLM2-135M vision stand-in"
LICENCE = "mit"


def write_gguf(tower: Tower, path: Path) -> None:
    """Write `tower` to `path`, with matrices as F16, and vectors and positions as F32."""
    with replacing(path) as part:
        _write(tower, part)


def _write(tower: Tower, path: Path) -> None:
    shape = tower.shape
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_string("general.type", "mmproj")
    writer.add_string("general.name", NAME)
    writer.add_string(
        "general.description",
        "Test stand-in: names colours and shapes of drawn figures. Synthetic training data only.",
    )
    writer.add_string("general.license", LICENCE)
    writer.add_uint32("general.file_type", int(gguf.LlamaFileType.MOSTLY_F16))
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "janus_pro")
    writer.add_bool("clip.use_gelu", True)
    writer.add_uint32("clip.vision.image_size", shape.image)
    writer.add_uint32("clip.vision.patch_size", shape.patch)
    writer.add_uint32("clip.vision.embedding_length", shape.width)
    writer.add_uint32("clip.vision.feed_forward_length", shape.feed_forward)
    writer.add_uint32("clip.vision.block_count", shape.blocks)
    writer.add_uint32("clip.vision.projection_dim", shape.output)
    writer.add_uint32("clip.vision.attention.head_count", shape.heads)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", shape.norm_epsilon)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    for name, parameter in tower.state_dict().items():
        array = parameter.detach().float().numpy()
        half = array.ndim >= 2 and name != "position_embd"
        writer.add_tensor(gguf_name(name), array.astype(np.float16 if half else np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_name(name: str) -> str:
    """Return the name in GGUF of the tower's parameter `name`."""
    if name == "position_embd":
        return "v.position_embd.weight"
    return name if name.startswith("mm.") else f"v.{name}"


@click.command()
@click.option(
    "--checkpoint", type=click.Path(path_type=Path), required=True, help="Checkpoint to export."
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="GGUF projector to write."
)
def main(checkpoint: Path, out: Path) -> None:
    """Export the tower of a checkpoint as a GGUF projector."""
    tower = Tower()
    tower.load_state_dict(torch.load(checkpoint, weights_only=True)["tower"])
    write_gguf(tower, out)
    click.echo(identity_line(out))


if __name__ == "__main__":
    main()
