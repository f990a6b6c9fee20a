"""Draws the training set into two files, pixels and labels, resumable in blocks.

`python -m training.vision.dataset --count 80000`
"""

# ruff: noqa: S311 - drawings need no secrets

from dataclasses import dataclass
from pathlib import Path
from random import Random

import click
import numpy as np
import numpy.typing as npt
from model_fixtures.images import flattened
from PIL import Image
from rich.progress import track
from training.vision.labels import Label
from training.work_folders import work

from .training_images import sample
from .vision_tower import SHAPE, to_pixels

BLOCK = 2000
FIELDS = 4

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Dataset:
    """Images uint8 [count, size, size, 3] (mapped from disk) and label codes uint8 [count, 4]."""

    images: Bytes
    codes: Bytes

    def label(self, index: int) -> Label:
        """Return the label of one image."""
        return Label.from_codes(*(int(code) for code in self.codes[index]))


def draw(seed: str) -> tuple[Bytes, Label]:
    """Draw one image from a seed, as the tower will see it."""
    rng = Random(seed)
    image, label = sample(rng)
    # Some keep their margins, for a server or a picture where nothing can be trimmed.
    return to_pixels(flattened(image), trim=rng.random() < 0.88), label


def generate(folder: Path, count: int, seed: int) -> Dataset:
    """Draw `count` images in `folder`; blocks that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{seed}-{start}" for start in range(0, count, BLOCK)]
    for number, name in enumerate(track(names, f"draw {folder.name}")):
        path = folder / f"{name}.npz"
        if path.exists():
            continue
        size = min(BLOCK, count - number * BLOCK)
        pairs = [draw(f"{name}-{index}") for index in range(size)]
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            np.savez(
                file,
                images=np.stack([pixels for pixels, _ in pairs]),
                codes=np.array([label.codes() for _, label in pairs], dtype=np.uint8),
            )
        partial.replace(path)
    return _joined(folder, names, count)


def _joined(folder: Path, names: list[str], count: int) -> Dataset:
    """Put the blocks into one file, which the system maps into memory as it is read."""
    shape = (count, SHAPE.image, SHAPE.image, 3)
    path = folder / f"{names[0]}-{count}.npy"
    codes = []
    complete = path.exists()
    partial = path.with_suffix(".part")
    images = None if complete else np.lib.format.open_memmap(partial, "w+", np.uint8, shape)
    start = 0
    for name in names:
        with np.load(folder / f"{name}.npz") as block:
            codes.append(block["codes"])
            if images is not None:
                images[start : start + len(codes[-1])] = block["images"]
            start += len(codes[-1])
    if images is not None:
        images.flush()
        partial.replace(path)
    return Dataset(np.load(path, mmap_mode="r"), np.concatenate(codes))


def as_image(pixels: Bytes) -> Image.Image:
    """Return one of the set's images as a picture, to look at."""
    return Image.fromarray(pixels)


@click.command()
@click.option("--count", default=80_000, show_default=True)
@click.option("--seed", default=11, show_default=True)
@click.option("--name", default="train", show_default=True)
def main(count: int, seed: int, name: str) -> None:
    """Draw a data set below the work folder."""
    data = generate(work() / "vision" / "data" / name, count, seed)
    click.echo(f"{len(data.codes)} images, {data.images.nbytes / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
