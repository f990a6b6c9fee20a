"""The training set: images and labels, drawn in blocks, each a file of its own.

`python -m training.vision.training_set_files --count 80000` draws it; a second start draws what is
missing.
"""

# ruff: noqa: S311 - seeded random numbers, no secrets

from dataclasses import dataclass
from pathlib import Path
from random import Random

import click
import numpy as np
import numpy.typing as npt
from model_fixtures.images import flattened
from rich.progress import track
from training.atomic_files import replacing
from training.work_folders import work

from .labels import Label
from .training_images import sample
from .vision_tower import SHAPE, to_pixels

BLOCK = 2000
FIELDS = 4

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Dataset:
    """Images uint8 [count, size, size, 3], mapped from a file, and label codes uint8 [count, 4]."""

    images: Bytes
    codes: Bytes

    def label(self, index: int) -> Label:
        """Return the label of one image."""
        return Label.from_codes(*(int(code) for code in self.codes[index]))


def draw(seed: str) -> tuple[Bytes, Label]:
    """Return the image that a seed stands for, as the tower gets it, and its label."""
    rng = Random(seed)
    image, label = sample(rng)
    # Some keep their margins, since not every server trims and not every picture has margins.
    return to_pixels(flattened(image), trim=rng.random() < 0.88), label


def generate(folder: Path, count: int, seed: int) -> Dataset:
    """Return `count` images in `folder`; blocks that exist are not drawn again."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{seed}-{start}" for start in range(0, count, BLOCK)]
    for number, name in enumerate(track(names, f"draw {folder.name}")):
        path = folder / f"{name}.npz"
        if path.exists():
            continue
        size = min(BLOCK, count - number * BLOCK)
        pairs = [draw(f"{name}-{index}") for index in range(size)]
        with replacing(path) as part, part.open("wb") as file:
            np.savez(
                file,
                images=np.stack([pixels for pixels, _ in pairs]),
                codes=np.array([label.codes() for _, label in pairs], dtype=np.uint8),
            )
    return _joined(folder, names, count)


def _joined(folder: Path, names: list[str], count: int) -> Dataset:
    """Return the blocks as one set, whose images are in one file that is mapped into memory."""
    path = folder / f"{names[0]}-{count}.npy"
    if not path.exists():
        with replacing(path) as part:
            _write_images(part, folder, names, count)
    codes = []
    for name in names:
        with np.load(folder / f"{name}.npz") as block:
            codes.append(block["codes"])
    return Dataset(np.load(path, mmap_mode="r"), np.concatenate(codes))


def _write_images(path: Path, folder: Path, names: list[str], count: int) -> None:
    """Write the images of all blocks to one file, which is no longer mapped on return."""
    shape = (count, SHAPE.image, SHAPE.image, 3)
    images = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    start = 0
    for name in names:
        with np.load(folder / f"{name}.npz") as block:
            part = block["images"]
            images[start : start + len(part)] = part
            start += len(part)
    images.flush()


@click.command()
@click.option("--count", default=80_000, show_default=True, help="Images to draw.")
@click.option("--seed", default=11, show_default=True, help="Seed of all images.")
@click.option("--name", default="train", show_default=True, help="Name of the set's folder.")
def main(count: int, seed: int, name: str) -> None:
    """Draw a set of images into the work folder."""
    data = generate(work() / "vision" / "data" / name, count, seed)
    click.echo(f"{len(data.codes)} images, {data.images.nbytes / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
