"""Check that torch and llama.cpp agree, from the bytes of a file to the next token's logprobs.

`python -m training.vision.torch_llama_parity` checks a tower with random weights, before any
training. With `--projector FILE` it checks an exported file, which it reads back into torch.
"""

import io
import tempfile
from pathlib import Path

import click
import gguf
import numpy as np
import torch
from model_fixtures.images import PreparedImage, decode, prepare
from PIL import Image, ImageDraw

from .export_projector import gguf_name, write_gguf
from .image_prompts import ImagePrompts
from .language_model import LanguageModel
from .llama_in_process import LlamaInProcess
from .model_option import model_option
from .questions import QuestionAndAnswer
from .vision_tower import Tower, normalised, to_pixels

SIZES = ((400, 500), (64, 64), (1600, 300), (90, 700))
QUESTION = "What color is the figure?"
TOLERANCE = 0.25  # natural logarithm; llama.cpp's Q4_1 kernels quantise activations, torch does not


def _sample(size: tuple[int, int]) -> bytes:
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.ellipse((width // 4, height // 4, width // 2, height * 3 // 4), fill=(128, 0, 200, 255))
    draw.rectangle((width // 2, height // 3, width * 4 // 5, height // 2), fill=(250, 200, 0, 128))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _top(result: dict[str, object]) -> list[tuple[int, float]]:
    choices: list[dict[str, dict[str, list[dict[str, list[dict[str, float]]]]]]]
    choices = result["choices"]  # type: ignore[assignment]
    top = choices[0]["logprobs"]["content"][0]["top_logprobs"]
    return [(int(entry["id"]), float(entry["logprob"])) for entry in top]


def _random_tower(scale: float) -> Tower:
    torch.manual_seed(1)
    tower = Tower()
    with torch.no_grad():
        for name, parameter in tower.named_parameters():
            parameter.copy_(parameter.half().float())
            if name == "mm.1.weight":
                parameter.mul_(scale)
    return tower


def _read_tower(path: Path) -> Tower:
    """Return the tower of an exported file."""
    found = {tensor.name: tensor.data for tensor in gguf.GGUFReader(path).tensors}
    tower = Tower()
    state = {
        name: torch.from_numpy(np.array(found[gguf_name(name)], dtype=np.float32)).view(old.shape)
        for name, old in tower.state_dict().items()
    }
    tower.load_state_dict(state)
    return tower


@click.command()
@model_option
@click.option(
    "--projector",
    type=click.Path(path_type=Path),
    help="Check this GGUF projector, not random weights.",
)
@click.option(
    "--scale", default=1.0, show_default=True, help="Factor on the output of random weights."
)
def main(model: Path, projector: Path | None, scale: float) -> None:
    """Compare torch with llama.cpp on pictures of four sizes, in both orders with text.

    The exit status is 1 if they do not agree.
    """
    torch.set_num_threads(1)
    tower = _random_tower(scale) if projector is None else _read_tower(projector)
    language = LanguageModel(model, torch.float32)
    worst = 0.0
    # On Windows the file is still in use at the end.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = projector or Path(folder) / "random.gguf"
        if projector is None:
            write_gguf(tower, path)
        llama = LlamaInProcess(model, path)
        prompts = ImagePrompts(llama, language)
        for size in SIZES:
            data = _sample(size)
            for image_first in (True, False):
                prepared: PreparedImage = prepare(data, trim=True)
                order: list[str | PreparedImage] = [prepared, QUESTION]
                if not image_first:
                    order.reverse()
                result = llama.answer(order, max_tokens=1, logprobs=True, top_logprobs=8)
                pixels = torch.from_numpy(to_pixels(decode(data)).copy())[None]
                with torch.no_grad():
                    vectors = tower(normalised(pixels))
                    expected = prompts.next_logprobs(
                        vectors, QuestionAndAnswer(QUESTION, "", image_first)
                    )
                gaps = [abs(float(expected[token]) - value) for token, value in _top(result)[:2]]
                worst = max(worst, *gaps)
                click.echo(
                    f"{size[0]}x{size[1]} {'image first' if image_first else 'text first'}: "
                    f"gaps of the two likeliest tokens {gaps[0]:.3f} {gaps[1]:.3f}, "
                    f"{result['usage']['prompt_tokens']} prompt tokens"
                )
    click.echo(f"worst {worst:.3f}, allowed {TOLERANCE}")
    raise SystemExit(0 if worst <= TOLERANCE else 1)


if __name__ == "__main__":
    main()
