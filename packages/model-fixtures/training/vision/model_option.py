"""The command line option `--model` of the scripts that run SmolLM2."""

from pathlib import Path

import click
from training.work_folders import base

model_option = click.option(
    "--model",
    type=click.Path(path_type=Path),
    default=base,
    show_default="the cached one",
    help="GGUF file of SmolLM2.",
)
